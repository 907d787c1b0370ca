// Declaring a node lost that is out of contact, so that its tasks need not wait for the ends of their leases.
import * as v from 'valibot';
import type { NodeId } from './brands.ts';
import { nameSchema } from './text.ts';

/** The node runs nothing any more, somebody says: its attempts are lost at once. */
export interface DeclareLost {
  readonly kind: 'DeclareLost';
  readonly nodeId: NodeId;
  readonly actor: string;
}

const nodeNameSchema = v.pipe(
  nameSchema,
  v.transform((text) => text as NodeId),
);
/** The node's name once more, so that it is not done by a slip. */
export const confirmSchema = v.strictObject({ confirm: v.string() });
export const lostNodeMethodSchemas = {
  declareLost: v.pipe(
    v.strictObject({ nodeId: nodeNameSchema, ...confirmSchema.entries }),
    v.forward(
      v.check(({ nodeId, confirm }) => nodeId === confirm, 'is not the name of the node; give it once more'),
      ['confirm'],
    ),
  ),
} as const;
export interface LostNodeResults {
  /** How many attempts were lost with it. */
  declareLost: { readonly attempts: number };
}
