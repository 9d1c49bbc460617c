import { createContext, type ReactNode, useContext, useMemo, useState } from "react";

/** The bucket pointed at, and the chart it was pointed at in. */
interface Cursor {
  index: number;
  chart: string;
}

interface CursorState {
  cursor: Cursor | null;
  setCursor: (cursor: Cursor | null) => void;
}

const CursorContext = createContext<CursorState>({ cursor: null, setCursor: () => undefined });

/** Charts inside share one crosshair, so that one can see what happened at the same time in the others. */
export function ChartCursor({ children }: { children: ReactNode }) {
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const state = useMemo(() => ({ cursor, setCursor }), [cursor]);
  return <CursorContext value={state}>{children}</CursorContext>;
}

/** The shared crosshair. */
export function useChartCursor(): CursorState {
  return useContext(CursorContext);
}
