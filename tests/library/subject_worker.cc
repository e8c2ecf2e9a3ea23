#include "library/subject_worker.h"

#include <roundhouse/http.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace roundhouse::test {
namespace {

struct Guest {
  cluster::Connection connection;
  cluster::Watch watch;
};
std::map<int, Guest> guests;
std::vector<cluster::Server> servers;
std::optional<cluster::http::Response> kept;
int code_of_main = 0;

std::string me() { return "w" + std::to_string(cluster::worker().id()) + " "; }

void say(const std::string& line) { print(me() + line); }

void echo(int fd) {
  std::array<char, 4096> bytes;
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size > 0) {
    static_cast<void>(send(fd, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL));
  } else if (size == 0 || errno != EAGAIN) {
    guests.erase(fd);
  }
}

void stream(cluster::http::Response response) {
  auto shared = std::make_shared<cluster::http::Response>(std::move(response));
  auto left = std::make_shared<int>(64);
  auto more = std::make_shared<std::function<void()>>();
  *more = [shared, left, more] {
    while (*left > 0) {
      --*left;
      if (shared->write(std::string(32768, 's'))) continue;
      shared->on_room([more] { (*more)(); });
      return;
    }
    shared->end("end");
    cluster::after(std::chrono::milliseconds(0), [more] { *more = nullptr; });
  };
  (*more)();
}

void answer(const cluster::http::Request& request, cluster::http::Response response) {
  const std::string path(request.path());
  if (path == "/big") return response.end(std::string(1 << 20, 'b'));
  if (path == "/length") return response.end(std::to_string(request.body().size()));
  if (path == "/teapot") return response.status(418).set("Tea", "green").end("short and stout");
  if (path == "/bad") return response.set("A", "b\r\nc").end("never sent");
  if (path == "/drop") return;
  if (path == "/stream") return stream(std::move(response));
  if (path == "/throw") throw std::runtime_error("thrown by a handler");
  if (path == "/keep") {
    kept.emplace(std::move(response));
    return say("keeps a request");
  }
  if (path == "/ask")
    return response.end(std::string(request.method()) + " " + std::string(request.query()) + " " +
                        std::string(request.header("x-word").value_or("none")));
  response.end("worker " + std::to_string(cluster::worker().id()));
}

void heard(const cluster::Result<cluster::Server>& server) {
  if (!server) return print_error(me() + "listen", server.error());
  servers.push_back(*server);
  say("listens on " + server->listening().address);
}

cluster::ListenOptions options_of(std::istream& words) {
  cluster::ListenOptions options;
  for (std::string word; words >> word;) {
    if (word == "only_v6") options.only_v6 = true;
    if (word == "private") options.unix_mode = 0600;
  }
  return options;
}

void listen_as(const std::string& kind, std::istream& words) {
  std::string address;
  words >> address;
  const cluster::ListenOptions options = options_of(words);
  if (kind == "http") return heard(cluster::http::create_server(answer).listen(address, options));
  if (kind == "tcp") {
    return heard(cluster::listen(
        address,
        [](cluster::Connection connection) {
          const int fd = connection.fd();
          guests.emplace(fd, Guest{std::move(connection), cluster::Watch(fd, [fd] { echo(fd); })});
        },
        options));
  }
  const auto greet = [](cluster::Connection connection) {
    const std::string text = "given " + connection.peer();
    static_cast<void>(send(connection.fd(), text.data(), text.size(), MSG_NOSIGNAL));
  };
  heard(cluster::listen(address, greet, options));
}

void report(const std::string& what, std::istream& words) {
  std::string name;
  words >> name;
  std::array<char, 4096> folder{};
  const char* value = std::getenv(name.c_str());
  if (what == "env") say("env " + name + "=" + (value == nullptr ? "" : value));
  if (what == "cwd" && getcwd(folder.data(), folder.size()) != nullptr)
    say("cwd " + std::string(folder.data()));
  if (what == "look")
    say("look worker=" + std::to_string(cluster::is_worker()) +
        " place=" + std::to_string(cluster::worker().place()) +
        " connected=" + std::to_string(cluster::worker().is_connected()) +
        " dead=" + std::to_string(cluster::worker().is_dead()) +
        " mine=" + std::to_string(cluster::worker().pid() == getpid()));
}

// What belongs to the primary.
void presume() {
  if (auto done = cluster::fork(); !done) print_error(me() + "fork", done.error());
  if (auto done = cluster::setup_primary({}); !done) print_error(me() + "setup", done.error());
  if (auto done = cluster::disconnect(); !done) print_error(me() + "disconnect", done.error());
}

void block(std::istream& words) {
  int ms = 0;
  words >> ms;
  say("blocks");
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < until) {
  }
}

void obey_in_worker(const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "http" || command == "tcp" || command == "give") return listen_as(command, words);
  if (command == "close") return servers.back().close();
  if (command == "block") return block(words);
  if (command == "presume") return presume();
  if (command == "release") {
    kept->end("released");
    return kept.reset();
  }
  if (command == "exit") {
    words >> code_of_main;
    std::exit(code_of_main);
  }
  if (command == "main") words >> code_of_main;
  if (command == "throw") throw std::runtime_error("thrown by a callback");
  if (command == "disconnect") static_cast<void>(cluster::worker().disconnect());
  if (command == "kill") static_cast<void>(cluster::worker().kill());
  if (command == "reply") {
    std::getline(words >> std::ws, command);
    if (auto sent = cluster::worker().send(command); !sent)
      print_error(me() + "send", sent.error());
  }
  report(command, words);
}

void read_lent(cluster::Message& message) {
  std::array<char, 4096> bytes;
  const ssize_t size = read(message.descriptor(), bytes.data(), bytes.size());
  say("read " + std::string(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
}

}  // namespace

void print(const std::string& line) {
  const std::string whole = line + "\n";
  static_cast<void>(write(STDOUT_FILENO, whole.data(), whole.size()) == 0);
}

void print_error(const std::string& what, const cluster::Error& error) {
  const char* name = strerrorname_np(error.number);
  print(what + " error " + (name != nullptr ? name : "0") + ": " + error.message);
}

int run_worker() {
  cluster::on_message([](cluster::Worker, cluster::Message& message) {
    if (message.descriptor() >= 0) return read_lent(message);
    obey_in_worker(std::string(message.bytes()));
  });
  cluster::on_draining([] { say("draining"); });
  cluster::on_disconnect([](cluster::Worker worker) {
    say("disconnect left=" + std::to_string(worker.exited_after_disconnect()));
  });
  if (const char* first = std::getenv("DO")) {
    std::istringstream commands(first);
    for (std::string command; std::getline(commands, command, ',');) {
      for (char& c : command) c = c == '+' ? ' ' : c;
      obey_in_worker(command);
    }
  }
  static_cast<void>(cluster::run());
  say("returns");
  return code_of_main;
}

}  // namespace roundhouse::test
