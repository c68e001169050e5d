// The fields of a JSON document, as a table.

import type { JSONSchema } from "effect"

type Schema = JSONSchema.JsonSchema7

interface Field {
  readonly name: string
  readonly type: string
  readonly meaning: string
}

/** A schema, and those that its document names. */
interface Document {
  readonly root: Schema
  readonly named: Readonly<Record<string, Schema>>
}

const resolved = (schema: Schema, { named }: Document): Schema => {
  const ref = "$ref" in schema ? schema.$ref.replace(/^.*\//, "") : undefined
  const target = ref === undefined ? undefined : named[ref]
  return target ?? schema
}

/** The name of a type, with what it may be beside that. */
const typeOf = (given: Schema, document: Document): string => {
  const schema = resolved(given, document)
  if ("anyOf" in schema) return schema.anyOf.map((each) => typeOf(each as Schema, document)).join(" or ")
  if ("enum" in schema) return schema.enum.map((each) => JSON.stringify(each)).join(", ")
  if (!("type" in schema)) return "any"
  if (schema.type === "array") return "array"
  return schema.type
}

/** What is inside a schema: the properties of an object, of the objects in an array, or of the object that may be null. */
const inside = (given: Schema, document: Document): readonly [suffix: string, schema: Schema] | undefined => {
  const schema = resolved(given, document)
  if ("anyOf" in schema) {
    for (const each of schema.anyOf) {
      const found = inside(each as Schema, document)
      if (found !== undefined) return found
    }
  }
  if ("properties" in schema) return ["", schema]
  if (
    "type" in schema &&
    schema.type === "array" &&
    "items" in schema &&
    schema.items !== undefined &&
    !Array.isArray(schema.items)
  ) {
    const found = inside(schema.items as Schema, document)
    return found === undefined ? undefined : [`[]${found[0]}`, found[1]]
  }
  return undefined
}

// What Effect says of a number that has no description is what its type says.
const usual = /^an? (non-negative |positive )?(integer|number|string)$/

const meaningOf = (schema: Schema): string => {
  const description = "description" in schema ? (schema.description ?? "") : ""
  return usual.test(description) ? "" : description
}

const fieldsIn = (schema: Schema, prefix: string, document: Document): ReadonlyArray<Field> =>
  "properties" in schema
    ? Object.entries(schema.properties as Readonly<Record<string, Schema>>).flatMap(([key, value]) => {
        const name = `${prefix}${key}`
        const inner = inside(value, document)
        const own = {
          name,
          type: typeOf(value, document),
          meaning: meaningOf(value) || meaningOf(resolved(value, document))
        }
        return [own, ...(inner === undefined ? [] : fieldsIn(inner[1], `${name}${inner[0]}.`, document))]
      })
    : []

const cell = (text: string): string => text.replaceAll("|", "\\|")

/** A table of all fields, those of inner objects too. */
export const fieldsOf = (root: JSONSchema.JsonSchema7Root): string => {
  const document: Document = { root, named: root.$defs ?? {} }
  const rows = fieldsIn(resolved(root, document), "", document)
  return [
    "| field | type | meaning |",
    "|---|---|---|",
    ...rows.map(({ meaning, name, type }) => `| \`${name}\` | ${cell(type)} | ${cell(meaning)} |`)
  ].join("\n")
}
