"""rdflib-endpoint over a dump: ``python -m tests.benchmarks.endpoint DUMP PORT``; the yardstick of the SPARQL benchmark."""

import gzip
import sys
from pathlib import Path

import uvicorn
from rdflib import Dataset
from rdflib_endpoint import SparqlEndpoint


def main(dump: str, port: str) -> None:
    """Load the dump and serve it."""
    dataset = Dataset()
    dataset.parse(data=gzip.decompress(Path(dump).read_bytes()), format="nquads")
    uvicorn.run(SparqlEndpoint(graph=dataset), host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main(*sys.argv[1:])
