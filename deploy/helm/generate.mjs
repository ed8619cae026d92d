// Puts values of the chart where deploy/helm/source has words, and writes one file for each object: `… | node generate.mjs DIRECTORY`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const target = process.argv[2];
const value = name => `{{ .Values.${name} }}`;
const words = {
  "value-namespace": "{{ .Release.Namespace }}",
  "value-server-name": value("images.server.name"),
  ["sha256:" + "a".repeat(64)]: value("images.server.digest"),
  "value-adapter-name": value("images.adapter.name"),
  ["sha256:" + "b".repeat(64)]: value("images.adapter.digest"),
  "https://policyservice:50051": value("service.url"),
};
// Whole scalars: quoted, because a value may look like a number, or be empty.
const scalars = {
  "value-cluster": value("cluster.name"),
  "value-project": value("cluster.project"),
  "value-ca-bundle": value("caBundle"),
};
const range = (indent, list) => `${indent}{{- range .Values.${list} }}\n${indent}- "{{ . }}"\n${indent}{{- end }}\n`;

const changes = [
  ...Object.entries(words).map(([word, becomes]) => [word, becomes]),
  ...Object.entries(scalars).map(([word, becomes]) => [`: ${word}\n`, `: "${becomes}"\n`]),
  ...Object.entries(scalars).map(([word, becomes]) => [word, becomes]),
  ["name: Templates__Mode\n          value: WARN\n", `name: Templates__Mode\n          value: "${value("templates.mode")}"\n`],
  ['name: Mutate__Enabled\n          value: "true"\n', `name: Mutate__Enabled\n          value: "${value("mutate.enabled")}"\n`],
];

const exempt = [/^( *)- kube-system\n/gm, (_, indent) => range(indent, "exemptNamespaces")];
const open = [/^( *)- none\.invalid\n/gm, (line, indent) => line + range(indent, "failOpenNamespaces")];

for (const source of readFileSync(0, "utf8").split(/^---\n/m)) {
  const kind = /^kind: (\w+)$/m.exec(source)[1];
  const name = /^metadata:\n(?:  .*\n)*?  name: (.+)$/m.exec(source)[1];
  // The namespace of a release is Helm's matter, and exists before the chart does.
  if (kind === "Namespace") continue;
  let text = source;
  for (const [from, to] of changes) text = text.replaceAll(from, to);
  if (kind.endsWith("WebhookConfiguration")) {
    // What fails open, or is exempt, is left out by the webhooks that fail closed.
    text = text.replace(exempt[0], (_, indent) => range(indent, "exemptNamespaces") + range(indent, "failOpenNamespaces")).replace(...open);
  }
  if (kind === "MutatingWebhookConfiguration") {
    text = `{{- if .Values.mutate.enabled }}\n${text.replaceAll(range("      ", "failOpenNamespaces"), "")}{{- end }}\n`;
  }
  if (kind === "ValidatingAdmissionPolicyBinding") text = text.replace(...exempt);
  if (kind === "HorizontalPodAutoscaler") {
    const who = name === "policyservice" ? "service" : "adapter";
    text = text.replace("minReplicas: 2", `minReplicas: ${value(`${who}.replicas`)}`).replace("maxReplicas: 6", `maxReplicas: ${value(`${who}.maxReplicas`)}`);
  }
  if (/value-|sha256:[ab]{64}/.test(text)) throw new Error(`${kind} ${name} has a word that became no value`);
  writeFileSync(join(target, `${kind.toLowerCase()}-${name}.yaml`), `# Written by deploy/helm/generate.sh.\n${text}`);
}
