"""One order flow settled under every design: the flow, the grid, the metrics, the report."""
