"""Maillage: one node of a federated linked-data directory of collectives."""

__version__ = "0.1.0"
