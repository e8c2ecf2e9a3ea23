#include "config/program_type.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "config/values.h"
#include "world.h"

namespace roundhouse::config {
namespace {

const std::map<std::string, std::string> kFiles = {
    {"package.json",
     R"({"scripts": {"start": "node server.js --fast", "serve": "npm run start", "web": "next start",
         "shell": "cd app && node server.js", "set": "PORT=1 node x.js", "old": "node old.js",
         "preold": "make", "loop": "npm run loop", "ts": "tsx server.ts", "py": "gunicorn app:app"}})"},
    {"node_modules/.bin/next", "#!/usr/bin/env node\n"},
    {"node_modules/.bin/tsx", "#!/usr/bin/env node\n"}};

struct Case {
  const char* command;
  const char* choice;  // "TYPE: what is started", or what is refused
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.command; }  // NOLINT: GoogleTest's

const Case kCases[] = {
    {"node server.js", "node: node server.js"},
    {"/usr/bin/nodejs --inspect a.js", "node: /usr/bin/nodejs --inspect a.js"},
    {"env NODE_ENV=production node a.js", "node: env NODE_ENV=production node a.js"},
    {"gunicorn -w 1 app:app", "listen_fds: gunicorn -w 1 app:app"},
    {"python3 -m gunicorn app:app", "listen_fds: python3 -m gunicorn app:app"},
    {"uvicorn app:app", "listen_fds: uvicorn app:app --fd 3"},
    {"/venv/bin/uvicorn app:app --fd 4", "listen_fds: /venv/bin/uvicorn app:app --fd 4"},
    {"uvicorn app:app --uds=/x", "listen_fds: uvicorn app:app --uds=/x"},
    {"bundle exec puma -t 5", "listen_fds: bundle exec puma -t 5 --bind-to-activated-sockets only"},
    {"./server --fast", "port: ./server --fast"},
    {"python3 app.py", "port: python3 app.py"},
    {"env", "port: env"},
    {"deno serve a.ts", "port: deno serve a.ts"},
    {"bun server.ts", "port: bun server.ts"},
    {"bun run py", "listen_fds: gunicorn app:app"},
    {"sh -c 'node server.js'", "node: node server.js"},
    {"/bin/bash -c 'exec gunicorn app:app'", "listen_fds: gunicorn app:app"},
    {"sh -c './prepare && ./serve'", "port: sh -c ./prepare && ./serve"},
    {"sh -c 'cd app && node x.js'",
     "has sh stand between us and the program, and its line (`cd app && node x.js`) needs a shell; "
     "expected the program itself, as in `command: node server.js`, or `type: port`"},
    {"sh script.sh", "port: sh script.sh"},
    {"npm start", "node: node server.js --fast"},
    {"npm run serve", "node: node server.js --fast"},
    {"npm run start -- --slow", "node: node server.js --fast --slow"},
    {"yarn start", "node: node server.js --fast"},
    {"yarn web -p 3000", "port: node_modules/.bin/next start -p 3000"},
    {"pnpm run py", "listen_fds: gunicorn app:app"},
    {"npx next start", "port: node_modules/.bin/next start"},
    {"npx --yes next start", "port: node_modules/.bin/next start"},
    {"npx --package=x next",
     "has npx stand between us and the program, and what it would start "
     "cannot be told; expected the program itself, as in `command: node "
     "server.js`, or `type: port`"},
    {"pnpm exec next start", "port: node_modules/.bin/next start"},
    {"npx not-there",
     "has npx stand between us and the program, and node_modules/.bin has no "
     "program 'not-there'; expected the program itself, as in `command: node "
     "server.js`, or `type: port`"},
    {"npm run nothing",
     "has npm stand between us and the program, and package.json has no script "
     "'nothing'; expected the program itself, as in `command: node server.js`, "
     "or `type: port`"},
    {"npm run old",
     "has npm stand between us and the program, and package.json has a script "
     "'preold' too; expected the program itself, as in `command: node server.js`, "
     "or `type: port`"},
    {"npm run shell",
     "has npm stand between us and the program, and the script 'shell' (`cd app "
     "&& node server.js`) needs a shell; expected the program itself, as in "
     "`command: node server.js`, or `type: port`"},
    {"npm run set",
     "has npm stand between us and the program, and the script 'set' (`PORT=1 node "
     "x.js`) needs a shell; expected the program itself, as in `command: node "
     "server.js`, or `type: port`"},
    {"npm run loop", "has launchers that start one another; expected the program itself"},
    {"npm",
     "has npm stand between us and the program, and what it would start cannot be told; "
     "expected the program itself, as in `command: node server.js`, or `type: port`"},
    {"npm run ts",
     "has tsx start another Node for the program; expected `command: node --import "
     "tsx server.ts`, or `type: port`"},
    {"tsx watch.ts --x",
     "has tsx start another Node for the program; expected `command: node "
     "--import tsx watch.ts --x`, or `type: port`"},
    {"pm2-runtime app.js",
     "has pm2 do what this program does; expected the program itself, as in "
     "`command: node server.js`"}};

std::string line_of(const Words& words) {
  std::string line;
  for (const std::string& word : words) line += " " + word;
  return line;
}

class ProgramType : public testing::TestWithParam<Case> {};

TEST_P(ProgramType, IsChosenByTheCommand) {
  const auto choice =
      choose_program(split_words(GetParam().command).value(), [](const std::string& path) {
        const auto found = kFiles.find(path);
        return found == kFiles.end() ? std::nullopt : std::optional(found->second);
      });
  const std::string made = choice ? std::string(to_string(choice->type)) + ":" +
                                        line_of(choice->program) + line_of(choice->arguments)
                                  : choice.error();
  EXPECT_EQ(made, GetParam().choice);
}

INSTANTIATE_TEST_SUITE_P(Commands, ProgramType, testing::ValuesIn(kCases));

const Pool& only_program(const Result<Loaded>& loaded) {
  return *loaded.value().configuration.find_pool("app");
}

TEST(ProgramTypes, AreThoseOfTheFileWhereItNamesOne) {
  EXPECT_EQ(only_program(load("pools: {app: {type: port, command: node x.js}}")).type,
            PoolType::kPort);
  const Pool native = only_program(load("pools: {app: {type: native, command: npm start}}"));
  EXPECT_EQ(native.type, PoolType::kNative);
  EXPECT_EQ(native.command, (Words{"npm", "start"})) << "left as it is";
  const Pool fds = only_program(load("pools: {app: {type: listen_fds, command: uvicorn a:b}}"));
  EXPECT_EQ(fds.command, (Words{"uvicorn", "a:b", "--fd", "3"}));
}

TEST(ProgramTypes, ALauncherThatHidesItsProgramIsRefusedAtItsPlace) {
  EXPECT_EQ(errors_of("pools: {app: {command: npm start}}"),
            "t.yaml:1:24: pools.app.command: has npm stand between us and the program, and "
            "package.json has no script 'start'; expected the program itself, as in `command: node "
            "server.js`, or `type: port`");
  EXPECT_EQ(errors_of("pools: {app: {command: '${C}'}}", {{"C", "npm run s3cret"}}),
            "t.yaml:1:24: pools.app.command: *** cannot be used");
}

TEST(ProgramTypes, FilesAreLookedUpInTheProgramsFolder) {
  Surroundings machine = surroundings();
  machine.file = [](const std::string& path) {
    return path == "/srv/app/package.json"
               ? std::optional<std::string>(R"({"scripts": {"start": "node main.js"}})")
               : std::nullopt;
  };
  const auto loaded =
      load_text("pools: {app: {command: npm start, cwd: app}}", "/srv/t.yaml", {}, machine);
  EXPECT_EQ(only_program(loaded).command, (Words{"node", "main.js"}));
}

}  // namespace
}  // namespace roundhouse::config
