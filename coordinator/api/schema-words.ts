// The words in which the shapes of the API are written: JSON Schema, in short.

export type Schema = Readonly<Record<string, unknown>>;

export const text = (description = ""): Schema => ({
  type: "string",
  ...(description === "" ? {} : { description }),
});
export const number = (description = ""): Schema => ({
  type: "number",
  ...(description === "" ? {} : { description }),
});
export const ms = (description: string): Schema => number(`${description}, in milliseconds`);
export const time = (description: string): Schema =>
  number(`${description}, Unix time in milliseconds`);
export const flag = (description = ""): Schema => ({
  type: "boolean",
  ...(description === "" ? {} : { description }),
});
export const list = (items: Schema, description = ""): Schema => ({
  type: "array",
  items,
  ...(description === "" ? {} : { description }),
});
export const oneOf = (...words: readonly string[]): Schema => ({ type: "string", enum: words });
export const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type, "null"] });
export const map = (values: Schema, description: string): Schema => ({
  type: "object",
  additionalProperties: values,
  description,
});
/** Every property is always there. */
export const shape = (properties: Readonly<Record<string, Schema>>, description = ""): Schema => ({
  type: "object",
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
  ...(description === "" ? {} : { description }),
});
export const ref = (name: string): Schema => ({ $ref: `${name}#` });
