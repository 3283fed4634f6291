"""Matching: which records speak of the same real group, and what the directory says of it.

normalise -> keys -> candidates -> score with reasons -> constrained clusters -> identities by the ledger -> fused values.
Everything here is a function of records, judgements, identities and frozen statistics; sources are never rewritten.
"""
