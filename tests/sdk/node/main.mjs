// Runs the topics named on the command line against the program of KEYBEARER_READY: see ../README.md.
import { check, checks, connect } from './support.mjs';
import * as coverage from './coverage_of_methods.mjs';

const client = connect();
coverage.start(client);
for (const topic of process.argv.slice(2)) {
  try {
    await (await import(`./${topic}.mjs`)).run(client);
  } catch (error) {
    check(`${topic} ran to its end`, false, error);
  }
}
coverage.end(client);
console.log(JSON.stringify({ checks: checks() }));
process.exit(0);
