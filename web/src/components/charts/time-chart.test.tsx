// @vitest-environment jsdom
import { fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

import { ChartCursor } from "./cursor";
import { TimeChart } from "./time-chart";

// jsdom has no layout.
class NoObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

beforeEach(() => {
  vi.stubGlobal("ResizeObserver", NoObserver);
  return () => vi.unstubAllGlobals();
});

const minute = 60_000;

function renderChart() {
  render(
    <ChartCursor>
      <TimeChart
        title="Volume"
        summary="Six calls."
        kind="bars"
        buckets={{ starts: [0, 15 * minute, 30 * minute], seconds: 900 }}
        series={[{ key: "ok", label: "Successful", color: "teal", values: [1, 2, 3] }]}
        height={200}
        format={String}
        formatTick={String}
        ceiling={4}
      />
    </ChartCursor>,
  );
  return screen.getByRole("slider", { name: "Volume, by time" });
}

test("the chart is said in a sentence", () => {
  renderChart();
  expect(screen.getByText("Six calls.")).toBeDefined();
});

test("arrow keys walk through the buckets and stop at the ends", () => {
  const slider = renderChart();
  const spoken = () => slider.getAttribute("aria-valuetext");
  expect(spoken()).toMatch(/Successful 3$/);
  fireEvent.keyDown(slider, { key: "ArrowLeft" });
  expect(spoken()).toMatch(/Successful 2$/);
  fireEvent.keyDown(slider, { key: "Home" });
  fireEvent.keyDown(slider, { key: "ArrowLeft" });
  expect(spoken()).toMatch(/Successful 1$/);
  fireEvent.keyDown(slider, { key: "End" });
  expect(screen.getByText("Still filling")).toBeDefined();
});

test("leaving the chart takes the crosshair away", () => {
  const slider = renderChart();
  fireEvent.keyDown(slider, { key: "End" });
  fireEvent.blur(slider);
  expect(screen.queryByText("Still filling")).toBeNull();
});
