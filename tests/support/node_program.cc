#include "support/node_program.h"

#include <cstdlib>
#include <filesystem>

namespace roundhouse::test {
namespace {

constexpr const char* kPrologue = R"js('use strict';
const http = require('http'), net = require('net'), dgram = require('dgram');
const fs = require('fs'), cluster = require('cluster');
const me = cluster.worker && cluster.worker.id;
const serve = (routes = {}) => http.createServer((request, response) => {
  response.setHeader('Worker-Id', String(me));
  response.setHeader('Worker-Pid', process.pid);
  const route = routes[request.url];
  const answer = route ? route(request, response) : 'worker ' + me + '\n';
  if (answer !== undefined) response.end(answer);
});
)js";

}  // namespace

std::string node() {
  const char* chosen = std::getenv("NODE");
  return chosen == nullptr ? "node" : chosen;
}

NodeProgram::NodeProgram(const std::string& source) {
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
  directory_.write("server.js", kPrologue + source);
}

std::string NodeProgram::pool(int workers, const std::string& more) const {
  return "app: {type: node, command: [" + node() + ", " + file("server.js") +
         "], workers: " + std::to_string(workers) + (more.empty() ? "" : ", " + more) + "}";
}

const char* const kShellListens =
    R"(say '{"cmd":"NODE_CLUSTER","act":"online","seq":0}'
say '{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":3000,"addressType":4,"backlog":0,"seq":1}'
say '{"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,"port":3000,"addressType":4,"backlog":0,"seq":2}'
)";

const char* const kShellReads = "while :; do cat <&3 >/dev/null 2>&1; sleep 0.02; done";

std::string one_node_one_shell(const NodeProgram& program, const std::string& script,
                               const std::string& more) {
  const std::string file = program.directory().write(
      "half.sh",
      "if [ $ROUNDHOUSE_WORKER_ID = 1 ]; then exec " + node() + " " + program.file("server.js") +
          "; fi\nexec 2>/dev/null\nsay() { printf '%s\\n' \"$1\" >&3; }\n" + script + "\n");
  return "app: {type: node, command: [/bin/sh, " + file + "], workers: 2" +
         (more.empty() ? "" : ", " + more) + "}";
}

std::string worker_of(const Response& response) {
  const auto id = response.headers.find("worker-id");
  return id == response.headers.end() ? "none" : id->second;
}

}  // namespace roundhouse::test
