// The npm clients of SPARQL endpoints, as their own documentation shows them: `node sparql.mjs CLIENT FORM METHOD ENDPOINT QUERY`, run beside
// node_modules; prints the rows, the triples or the boolean as JSON.
import { createRequire } from "node:module";

const [client, form, method, endpoint, query] = process.argv.slice(2);
const load = (name) => createRequire(`${process.cwd()}/`).resolve(name);
const term = (found) => found.value;
const row = (bindings) => Object.fromEntries(Object.entries(bindings).map(([name, found]) => [name, term(found)]));
const triple = (quad) => [quad.subject, quad.predicate, quad.object].map(term);

async function collected(stream, read) {
  const found = [];
  for await (const item of stream) found.push(read(item));
  return found;
}

const clients = {
  async comunica() {
    const { QueryEngine } = createRequire(`${process.cwd()}/`)("@comunica/query-sparql");
    const engine = new QueryEngine();
    const context = { sources: [{ type: "sparql", value: endpoint }], httpMethod: method };
    if (form === "ask") return engine.queryBoolean(query, context);
    if (form === "construct") return (await (await engine.queryQuads(query, context)).toArray()).map(triple);
    const rows = await (await engine.queryBindings(query, context)).toArray();
    return rows.map((bindings) => Object.fromEntries([...bindings].map(([name, found]) => [name.value, found.value])));
  },
  async "sparql-http-client"() {
    const { default: SparqlClient } = await import(load("sparql-http-client"));
    const asked = new SparqlClient({ endpointUrl: endpoint }).query;
    const operation = method === "GET" ? "get" : "postUrlencoded";
    if (form === "ask") return asked.ask(query, { operation });
    if (form === "construct") return collected(asked.construct(query, { operation }), triple);
    return collected(asked.select(query, { operation }), row);
  },
  async "fetch-sparql-endpoint"() {
    const { SparqlEndpointFetcher } = createRequire(`${process.cwd()}/`)("fetch-sparql-endpoint");
    const fetcher = new SparqlEndpointFetcher({ method });
    if (form === "ask") return fetcher.fetchAsk(endpoint, query);
    if (form === "construct") return collected(await fetcher.fetchTriples(endpoint, query), triple);
    return collected(await fetcher.fetchBindings(endpoint, query), row);
  },
};

console.log(JSON.stringify(await clients[client]()));
