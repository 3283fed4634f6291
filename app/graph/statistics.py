"""The statistics of the directory as triples of the catalogue graph, so that dashboards ask for a number and nobody scans to count.

VoID: the node is the data set; each source is a subset of it, and so are the groups that have one concept:
``void:property`` says by which property, ``dcterms:subject`` which concept, ``void:entities`` how many.
They are not in the default graph, where every statement is about a group.
"""

from collections.abc import Iterator
from functools import cache

from app import vocabulary
from app.graph import Change, catalogue
from app.graph.counting import Figures, OfSource
from app.names import Names
from app.terms import DCTERMS, MLG, ORG, RDF, SCHEMA, VOID

PROPERTIES = {
    "topic": DCTERMS.subject,
    "know_how": SCHEMA.knowsAbout,
    "objective": ORG.purpose,
    "scale": MLG.scale,
    "status": MLG.status,
}
"""The property that leads to the concepts of each facet."""


def of_node(names: Names, known: Figures) -> Change:
    """Return what the catalogue says of the whole directory and of the groups that have each concept, those without any included."""
    node = names.node
    every = f"{node}#groups"
    lines = [
        catalogue.lines(node, (catalogue.link(RDF.type, VOID.Dataset), *_counted(known.groups, known.records))),
        catalogue.lines(node, (catalogue.link(VOID.classPartition, every),)),
        catalogue.lines(every, (catalogue.link(VOID.class_, MLG.Group), *_counted(known.groups))),
        catalogue.lines(node, (catalogue.link(VOID.subset, names.source(name)) for name in known.sources)),
        *_of_concepts(node, known),
    ]
    return Change(names.catalogue, "".join(lines), subject=node)


def of_source(found: OfSource | None) -> tuple[str | None, ...]:
    """Return what is counted of a source, to be said beside the rest of its entry."""
    return _counted(found.groups, found.records) if found else ()


def _of_concepts(node: str, known: Figures) -> Iterator[str]:
    """Yield what is said of the groups that have each concept."""
    for facet, concepts in _concepts().items():
        for notation, iri in concepts:
            part = f"{node}#{facet}-{notation}"
            count = known.values.get(facet, {}).get(notation, 0)
            said = (catalogue.link(VOID.property, PROPERTIES[facet]), catalogue.link(DCTERMS.subject, iri), *_counted(count))
            yield catalogue.lines(node, (catalogue.link(VOID.subset, part),)) + catalogue.lines(part, said)


def _counted(groups: int, records: int | None = None) -> tuple[str | None, ...]:
    """Say how many groups, and how many records."""
    return catalogue.number(VOID.entities, groups), catalogue.number(VOID.documents, records)


@cache
def _concepts() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return notation and IRI of the concepts of each facet."""
    known = vocabulary.load()
    schemes = {found.iri: found.scheme for owner in known.owners.values() for found in owner.values() if found.scheme}
    return {facet: tuple((one.notation, one.iri) for one in known.schemes[schemes[iri]]) for facet, iri in PROPERTIES.items()}
