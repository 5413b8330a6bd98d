// What a Vue file is to those who read TypeScript alone, as the linter does; vue-tsc looks into the file itself.
declare module "*.vue" {
  import type { DefineComponent } from "vue";

  const component: DefineComponent;
  export default component;
}
