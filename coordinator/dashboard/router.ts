// Which page an address shows. Addresses stand behind the #, so that every coordinator and proxy serves one file.

import { createRouter, createWebHashHistory, type RouteRecordRaw } from "vue-router";
import OverviewPage from "./pages/OverviewPage.vue";

/** Pages beside the first are fetched when they are wanted. */
const routes: readonly RouteRecordRaw[] = [
  { path: "/", component: OverviewPage, meta: { title: "Overview" } },
  {
    path: "/workers",
    component: () => import("./pages/WorkersPage.vue"),
    meta: { title: "Workers" },
  },
  {
    path: "/workers/:id",
    component: () => import("./pages/WorkerPage.vue"),
    meta: { title: "Worker" },
  },
  {
    path: "/recoveries",
    component: () => import("./pages/RecoveriesPage.vue"),
    meta: { title: "Recoveries" },
  },
  {
    path: "/recoveries/:id",
    component: () => import("./pages/RecoveryPage.vue"),
    meta: { title: "Recovery" },
  },
  {
    path: "/events",
    component: () => import("./pages/EventsPage.vue"),
    meta: { title: "Events" },
  },
  {
    path: "/explain",
    component: () => import("./pages/ExplainPage.vue"),
    meta: { title: "Explain" },
  },
  {
    path: "/queues",
    component: () => import("./pages/QueuesPage.vue"),
    meta: { title: "Queues" },
  },
  { path: "/hosts", component: () => import("./pages/HostsPage.vue"), meta: { title: "Hosts" } },
  { path: "/hosts/:id", component: () => import("./pages/HostPage.vue"), meta: { title: "Host" } },
  {
    path: "/services",
    component: () => import("./pages/ServicesPage.vue"),
    meta: { title: "Services" },
  },
  {
    path: "/services/:id",
    component: () => import("./pages/ServicePage.vue"),
    meta: { title: "Service" },
  },
  {
    path: "/stacks",
    component: () => import("./pages/StacksPage.vue"),
    meta: { title: "Stacks" },
  },
  {
    path: "/stacks/new-template",
    component: () => import("./pages/TemplatePage.vue"),
    meta: { title: "New template" },
  },
  {
    path: "/stacks/templates/:id",
    component: () => import("./pages/TemplatePage.vue"),
    meta: { title: "Template" },
  },
  {
    path: "/clusters",
    component: () => import("./pages/ClustersPage.vue"),
    meta: { title: "Clusters" },
  },
  {
    path: "/clusters/:id",
    component: () => import("./pages/ClusterPage.vue"),
    meta: { title: "Cluster" },
  },
  { path: "/sign-in", redirect: "/" },
  {
    path: "/:rest(.*)*",
    component: () => import("./pages/MissingPage.vue"),
    meta: { title: "No such page" },
  },
];

export const router = createRouter({
  history: createWebHashHistory(),
  routes,
});

router.afterEach((to, from) => {
  if (to.path !== from.path) scrollTo(0, 0);
  const { title } = to.meta;
  const { id } = to.params;
  const name = typeof id === "string" ? id : typeof title === "string" ? title : "";
  document.title = `${name} · heartmesh`;
});
