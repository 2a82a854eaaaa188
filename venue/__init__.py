"""The roof: the running market. The only place that awaits, reads clocks, opens files and sockets."""
