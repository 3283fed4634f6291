"""The public SPARQL endpoint: strangers' questions, answered by processes that may die, on copies that cannot be written."""
