// Examples of enrolment tokens for the OpenAPI document.
export const enrolment = {
  enrolmentId: '5f3a9c07b1e2',
  label: 'press shop',
  state: 'open',
  createdAtMs: 1_794_000_000_000,
  expiresAtMs: 1_794_086_400_000,
  nodesMax: 12,
  uses: 3,
  actor: 'console@127.0.0.1',
} as const;
export const newEnrolment = {
  enrolmentId: '5f3a9c07b1e2',
  hubUrl: 'http://10.0.0.5:7700',
  code: 'mrj_q8Yq2v0Xc7rB1n5KsTz4Lw9Jd6Fh3Gm',
  command: 'millrace-agent --hub=http://10.0.0.5:7700 --token mrj_q8Yq2v0Xc7rB1n5KsTz4Lw9Jd6Fh3Gm',
  expiresAtMs: 1_794_086_400_000,
  nodesMax: 12,
} as const;
