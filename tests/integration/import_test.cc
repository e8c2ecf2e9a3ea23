// A configuration that `roundhouse import` made is run.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <regex>
#include <set>

#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

const char* const kServer = R"js(
require('http').createServer((request, response) =>
  response.end(process.env.GREETING + ' ' + process.argv[2] + ' ' + process.env.NODE_APP_INSTANCE)
).listen(process.env.PORT);)js";

const char* const kEcosystem = R"js(
console.log('what a configuration prints is no part of it');
const name = 'Shop';
module.exports = {apps: [{
  name, script: './server.js', args: ['${x}'], cwd: __dirname, exec_mode: 'cluster', instances: 2,
  env: {GREETING: 'hello'}, env_production: {GREETING: 'good day'},
  watch: false, max_restarts: 10, kill_timeout: 3000,
}]};)js";

TEST(ImportedFromPm2, AnEcosystemIsCheckedAndServes) {
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  directory.write("server.js", kServer);
  const std::string ecosystem = directory.write("ecosystem.config.js", kEcosystem);
  const Finished imported = run({binary(), "import", "pm2", ecosystem, "--env", "production"});
  ASSERT_EQ(imported.ended.code, 0) << imported.output;
  EXPECT_NE(imported.output.find("# max_restarts: 10: "), std::string::npos);

  const std::string file = directory.write(
      "roundhouse.yaml",
      std::regex_replace(imported.output, std::regex("bind: 8000"), "bind: \"127.0.0.1:0\"") +
          "monitor: {bind: off, socket: " + directory.path() + "/c.sock}\n");
  const Finished checked = run({binary(), "check", "-c", file});
  EXPECT_EQ(checked.ended.code, 0) << checked.output;
  EXPECT_NE(checked.output.find("1 listener, 1 pool, 2 workers"), std::string::npos);

  Process process({binary(), "run", "-c", file});
  ASSERT_TRUE(process.prints("worker 1 (pid")) << process.output();
  ASSERT_TRUE(process.prints("worker 2 (pid")) << process.output();
  const std::string output = process.output();
  const std::string before = "listening on ";
  const std::size_t at = output.find(before) + before.size();
  const Address address = *Address::parse(output.substr(at, output.find(' ', at) - at));
  std::set<std::string> answers;
  for (int i = 0; i < 4; ++i) answers.insert(get(address).body);
  EXPECT_EQ(answers, (std::set<std::string>{"good day ${x} 0", "good day ${x} 1"}));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().code, 0);
}

TEST(ImportedFromPm2, AnEcosystemCanBeAModuleOfEitherKind) {
  const TemporaryDirectory directory;
  const std::string app = "{script: 'server.js', port: 3000}";
  for (const auto& [name, text] :
       std::map<std::string, std::string>{{"a.config.js", "module.exports = [" + app + "];"},
                                          {"b.config.cjs", "exports.apps = [" + app + "];"},
                                          {"c.config.mjs", "export default {apps: [" + app + "]};"},
                                          {"d.config.mjs", "export const apps = [" + app + "];"}}) {
    const Finished imported = run({binary(), "import", "pm2", directory.write(name, text)});
    EXPECT_EQ(imported.ended.code, 0) << name << imported.output;
    EXPECT_NE(imported.output.find("server: {bind: 3000, pool: server}"), std::string::npos)
        << name << imported.output;
  }
}

TEST(ImportedFromPm2, AFileThatNodeCannotReadSaysSo) {
  const TemporaryDirectory directory;
  const std::string ecosystem = directory.write("ecosystem.config.js", "module.exports = {");
  const Finished imported = run({binary(), "import", "pm2", ecosystem});
  EXPECT_EQ(imported.ended.code, 1);
  EXPECT_NE(imported.output.find("SyntaxError"), std::string::npos) << imported.output;
  EXPECT_NE(imported.output.find("node could not read " + ecosystem), std::string::npos);
}

}  // namespace
}  // namespace roundhouse::test
