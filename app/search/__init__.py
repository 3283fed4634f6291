"""Questions about the directory, answered from side tables in the journal's database and never through SPARQL."""
