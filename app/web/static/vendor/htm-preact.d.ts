/** What the page uses of Preact, for the type checker. */
export interface VNode {
  readonly type: unknown;
}
export type Child = VNode | string | number | boolean | null | undefined | Child[];
export type Ref<T> = { current: T };

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
export function render(tree: VNode, parent: Element): void;

export class Component<P = object, S = object, Before = unknown> {
  constructor(props: P);
  props: P & { children?: Child };
  state: S;
  setState(change: Partial<S>): void;
  componentDidMount?(): void;
  componentWillUnmount?(): void;
  shouldComponentUpdate?(next: P): boolean;
  getSnapshotBeforeUpdate?(props: P, state: S): Before;
  componentDidUpdate?(props: P, state: S, before: Before): void;
  render(): Child;
}

export interface Context<T> {
  readonly Provider: (props: { value: T; children?: Child }) => VNode;
}
export function createContext<T>(initial: T): Context<T>;
export function useContext<T>(context: Context<T>): T;
export function useState<T>(initial: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
export function useMemo<T>(create: () => T, inputs: readonly unknown[]): T;
export function useRef<T>(initial: T): Ref<T>;
// biome-ignore lint/suspicious/noConfusingVoidType: an effect returns its cleanup, or nothing at all
type Effect = () => void | (() => void);
export function useEffect(effect: Effect, inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: Effect, inputs?: readonly unknown[]): void;
