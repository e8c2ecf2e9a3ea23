// A program of the library that does what it is told, and prints what it sees: one line an event.
//
//   subject FIFO [COMMAND...]     the primary does the commands, then runs; more come through the
//   FIFO
//
// Commands of the primary:  fork [NAME=VALUE...] · disconnect ID · disconnect-all · kill ID SIGNAL
// · tell ID COMMAND · flood ID COUNT SIZE · lend ID PATH (a descriptor of that file) · policy NAME
// · setup NAME=VALUE... · refork · look ID · workers · signals · after ·
// stop · base Of a worker, by `tell`: see
// obey_in_worker.
#include <event2/event.h>
#include <fcntl.h>
#include <roundhouse/cluster.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>

#include "library/subject_worker.h"

namespace cluster = roundhouse::cluster;
using roundhouse::test::print;
using roundhouse::test::print_error;

namespace {

std::map<int, cluster::Worker> known;  // also those that are gone
bool reforks = false;

void fork_one(std::istream& words) {
  cluster::Environment environment;
  for (std::string word; words >> word;)
    environment[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  auto worker = cluster::fork(environment);
  if (!worker) return print_error("fork", worker.error());
  known[worker->id()] = *worker;
}

void set_up(std::istream& words) {
  cluster::Settings settings = cluster::settings();
  for (std::string word; words >> word;) {
    const std::string name = word.substr(0, word.find('='));
    const std::string value = word.substr(word.find('=') + 1);
    if (name == "restart") settings.restart = value == "on";
    if (name == "drain") settings.drain = std::chrono::milliseconds(std::stoi(value));
    if (name == "hang") settings.hang = std::chrono::milliseconds(std::stoi(value));
    if (name == "connections")
      settings.worker_connections = static_cast<unsigned>(std::stoul(value));
    if (name == "cwd") settings.cwd = value;
    if (name == "exec") settings.exec = value;
    if (name == "user") settings.user = value;
    if (name == "arg") {
      if (!settings.args) settings.args.emplace();
      settings.args->push_back(value);
    }
  }
  if (auto done = cluster::setup_primary(settings); !done) print_error("setup", done.error());
}

void set_policy(const std::string& name) {
  const auto policy = name == "none"     ? cluster::Scheduling::none
                      : name == "least"  ? cluster::Scheduling::least
                      : name == "sticky" ? cluster::Scheduling::sticky
                                         : cluster::Scheduling::round_robin;
  if (auto done = cluster::set_scheduling_policy(policy); !done)
    print_error("policy", done.error());
}

void flood(const cluster::Worker& worker, std::istream& words) {
  int count = 0;
  std::size_t size = 0;
  words >> count >> size;
  int sent = 0;
  for (const std::string bytes(size, 'x'); sent < count; ++sent) {
    if (auto done = worker.send(bytes); !done) {
      print_error("flood", done.error());
      break;
    }
  }
  print("flooded " + std::to_string(sent));
}

void look(const cluster::Worker& worker) {
  print("look " + std::to_string(worker.id()) + " place=" + std::to_string(worker.place()) +
        " connected=" + std::to_string(worker.is_connected()) +
        " dead=" + std::to_string(worker.is_dead()) +
        " left=" + std::to_string(worker.exited_after_disconnect()));
}

void obey_of(const std::string& command, const cluster::Worker& worker, std::istream& words) {
  cluster::Result<void> done;
  std::string rest;
  if (command == "disconnect") {
    done = worker.disconnect();
  } else if (command == "kill") {
    int signal = 0;
    words >> signal;
    done = worker.kill(signal);
  } else if (command == "tell") {
    std::getline(words >> std::ws, rest);
    done = worker.send(rest);
  } else if (command == "flood") {
    flood(worker, words);
  } else if (command == "lend") {
    words >> rest;
    const int fd = open(rest.c_str(), O_RDONLY | O_CLOEXEC);
    done = worker.send("lent", fd);
    close(fd);
  } else if (command == "look") {
    look(worker);
  }
  if (!done) print_error(command, done.error());
}

void obey(const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "fork") return fork_one(words);
  if (command == "setup") return set_up(words);
  if (command == "refork") {
    reforks = true;
  } else if (command == "policy") {
    words >> command;
    set_policy(command);
  } else if (command == "disconnect-all") {
    auto done = cluster::disconnect(
        [] { print("all gone, " + std::to_string(cluster::workers().size()) + " left"); });
    if (!done) print_error("disconnect-all", done.error());
  } else if (command == "workers") {
    std::string ids;
    for (const cluster::Worker& worker : cluster::workers())
      ids += " " + std::to_string(worker.id());
    print("workers" + ids);
  } else if (command == "listen") {
    auto server = cluster::listen("127.0.0.1:0", [](auto) {});
    if (!server) print_error("listen", server.error());
  } else if (command == "signals") {
    static_cast<void>(cluster::on_signal(SIGUSR1, [] { print("signalled"); }));
    if (auto done = cluster::on_signal(SIGKILL, [] {}); !done) print_error("signal", done.error());
  } else if (command == "after") {
    cluster::after(std::chrono::milliseconds(10), [] { print("later"); });
  } else if (command == "stop") {
    cluster::stop();
  } else if (command == "base") {
    static event_base* const base = event_base_new();
    auto used = cluster::use_event_base(base);
    if (!used) print_error("base", used.error());
  } else {
    int id = 0;
    words >> id;
    obey_of(command, known[id], words);
  }
}

std::string name_of(const cluster::Worker& worker) { return std::to_string(worker.id()); }

void tell_events() {
  cluster::on_setup([](const cluster::Settings& settings) { print("setup cwd=" + settings.cwd); });
  cluster::on_fork([](cluster::Worker worker) {
    known[worker.id()] = worker;
    print("fork " + name_of(worker) + " pid " + std::to_string(worker.pid()));
  });
  cluster::on_online([](cluster::Worker worker) { print("online " + name_of(worker)); });
  cluster::on_listening([](cluster::Worker worker, const cluster::Listening& listening) {
    print("listening " + name_of(worker) + " " + listening.address + " port " +
          std::to_string(listening.port));
  });
  cluster::on_message([](cluster::Worker worker, cluster::Message& message) {
    print("message " + name_of(worker) + " " + std::string(message.bytes()));
  });
  cluster::on_disconnect([](cluster::Worker worker) { print("disconnect " + name_of(worker)); });
  cluster::on_exit([](cluster::Worker worker, int code, int signal) {
    print("exit " + name_of(worker) + " code " + std::to_string(code) + " signal " +
          std::to_string(signal) + " left=" + std::to_string(worker.exited_after_disconnect()));
    if (reforks) obey("fork");
  });
}

// Lines that came in one read; a line is written whole.
void read_commands(int fd) {
  std::array<char, 4096> bytes;
  const ssize_t size = read(fd, bytes.data(), bytes.size());
  if (size <= 0) return;
  std::istringstream lines(std::string(bytes.data(), static_cast<std::size_t>(size)));
  for (std::string line; std::getline(lines, line);) obey(line);
}

}  // namespace

int main(int argc, char** argv) {
  if (cluster::is_worker()) return roundhouse::test::run_worker();
  const int commands = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
  const bool has_base = argc > 2 && std::string_view(argv[2]) == "base";
  if (has_base) obey("base");  // before anything else
  tell_events();
  const cluster::Watch watch(commands, [commands] { read_commands(commands); });
  for (int i = has_base ? 3 : 2; i < argc; ++i) obey(argv[i]);
  const int code = cluster::run();
  print("over");
  return code;
}
