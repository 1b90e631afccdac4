/** What the page uses of Preact, for the type checker. */
export interface VNode {
  readonly type: unknown;
}
export type Child = VNode | string | number | boolean | null | undefined | Child[];
export type Ref<T> = { current: T };

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
export function h(type: unknown, props: object | null, ...children: Child[]): VNode;
export function render(tree: VNode, parent: Element): void;

export class Component<P = {}, S = {}, Before = unknown> {
  constructor(props: P);
  props: P & { children?: Child };
  state: S;
  base: Element | null;
  setState(change: Partial<S>): void;
  forceUpdate(): void;
  componentDidMount?(): void;
  componentWillUnmount?(): void;
  getSnapshotBeforeUpdate?(props: P, state: S): Before;
  componentDidUpdate?(props: P, state: S, before: Before): void;
  componentDidCatch?(error: unknown): void;
  render(): Child;
}

export interface Context<T> {
  readonly Provider: (props: { value: T; children?: Child }) => VNode;
}
export function createContext<T>(initial: T): Context<T>;
export function useContext<T>(context: Context<T>): T;
export function useState<T>(initial: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
export function useRef<T>(initial: T): Ref<T>;
export function useMemo<T>(make: () => T, inputs: readonly unknown[]): T;
export function useCallback<T extends Function>(callback: T, inputs: readonly unknown[]): T;
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
