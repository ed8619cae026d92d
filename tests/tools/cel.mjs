// Evaluates CEL as the API server does in admission policies: `node cel.mjs` reads {variables: [{name, expression}], expression, bindings}
// as JSON from standard input and writes {value} or {error}. Each variable is bound as variables.<name> for those after it.
import { run, isCelError } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { readFileSync } from "node:fs";

const plain = value =>
  typeof value === "bigint" ? Number(value)
  : value === null || typeof value !== "object" ? value
  : typeof value[Symbol.iterator] === "function" ? [...value].map(plain)
  : String(value);

// The API server's own `trim`, `split` and `join` are those of the same extension.
const evaluate = (expression, bindings) => {
  const value = run(expression, bindings, { funcs: strings });
  if (isCelError(value)) throw value;
  return value;
};

const question = JSON.parse(readFileSync(0, "utf8"));
try {
  const variables = {};
  for (const { name, expression } of question.variables ?? []) {
    variables[name] = plain(evaluate(expression, { ...question.bindings, variables }));
  }
  console.log(JSON.stringify({ value: plain(evaluate(question.expression, { ...question.bindings, variables })) }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error.message ?? error) }));
}
