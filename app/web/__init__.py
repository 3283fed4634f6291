"""The node on HTTP: one file per room of routes, and the front door before them all."""
