// The composition root: which process this is, and what it runs.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/signature.h"
#include "base/unique_fd.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/diff.h"
#include "cli/operate.h"
#include "cli/pm2_import.h"
#include "cli/top.h"
#include "config/control_socket.h"
#include "config/effective.h"
#include "config/locate.h"
#include "config/new_start.h"
#include "config/report.h"
#include "config/settle.h"
#include "edge/certificate_report.h"
#include "edge/configuration_loader.h"
#include "edge/edge.h"
#include "edge/spawn.h"
#include "ipc/heritage.h"
#include "ipc/shared_memory.h"
#include "ipc/tls_material.h"
#include "metrics/catalogue.h"
#include "monitor/monitor.h"
#include "net/reuseport_rotation.h"
#include "net/tls_certificate.h"
#include "worker/worker.h"

namespace roundhouse {
namespace {

int report(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return static_cast<int>(error.code);
}

int finish(const cli::Outcome& outcome) {
  std::fputs(outcome.out.c_str(), stdout);
  std::fputs(outcome.err.c_str(), stderr);
  return static_cast<int>(outcome.code);
}

Result<void> run_inherited() {
  ipc::Heritage heritage = TRY(ipc::Heritage::take());
  ::prctl(PR_SET_NAME, "roundhouse");  // it was executed as /proc/self/exe
  switch (heritage.role) {
    case ipc::Role::kWorker:
      return worker::run_worker(std::move(heritage));
    case ipc::Role::kMonitor:
      return monitor::run_monitor(std::move(heritage));
  }
  return fail("an edge started this process for nothing it knows");
}

std::vector<config::CertificateFinding> look_at_certificate(std::string_view cert,
                                                            std::string_view key) {
  const auto facts = examine_certificate(cert, key);
  if (!facts)
    return {{.of_key = facts.error().of_key, .is_doubt = false, .what = facts.error().what}};
  const double now = wall_clock_seconds();
  if (now > static_cast<double>(facts->not_after))
    return {{.is_doubt = true, .what = "has expired: it will be refused"}};
  if (now < static_cast<double>(facts->not_before))
    return {{.is_doubt = true, .what = "is not valid yet: it will be refused"}};
  return {};
}

config::Surroundings surroundings_with_tls() {
  config::Surroundings surroundings = config::surroundings_of_this_process();
  surroundings.tls = {.certificate = look_at_certificate,
                      .authorities = fault_of_authorities,
                      .ciphers = fault_of_ciphers,
                      .lacks_roots = lacks_roots};
  return surroundings;
}

Result<config::Loaded> load(const config::Location& location, const config::Overrides& overrides) {
  const config::Surroundings surroundings = surroundings_with_tls();
  if (location.path.empty()) return config::load_defaults(overrides, surroundings);
  return config::load_file(location.path, overrides, surroundings);
}

std::string describe(const cli::CommandLine& line, const config::Location& location) {
  if (line.command == cli::Command::kProxy) return "the command line (a reverse proxy)";
  if (!line.overrides.command.empty()) return "the command line (a program)";
  if (location.path.empty()) return "built-in default (hello on port 8000)";
  return location.path + " (" + location.found_by + ")";
}

// Where the operator gave none: known to the workers of this program alone, and the same after a
// reload.
class StickyKeys {
 public:
  void settle(config::Configuration& configuration) {
    config::settle_sticky_keys(configuration, [this](const std::string& upstream) {
      std::string& key = keys_[upstream];
      if (key.empty()) key = new_signature_key();
      return key;
    });
  }

 private:
  std::map<std::string, std::string> keys_;  // by upstream
};

// rr_kernel where this process may load an eBPF program, else what comes nearest.
void settle_policies(config::Configuration& configuration) {
  if (!config::wants_kernel_rotation(configuration)) return;
  const auto possible = ReuseportRotation::probe();
  if (possible) return;
  log::warn("policy_replaced", "policy rr_kernel needs CAP_BPF and CAP_NET_ADMIN, or root (" +
                                   possible.error().message +
                                   "): the edge rotates instead, policy rr; programs of type "
                                   "listen_fds, which it can give nothing, get policy none");
  config::replace_kernel_rotation(configuration);
}

config::Location location_of(const cli::CommandLine& line) {
  const bool needs_no_file =
      line.command == cli::Command::kProxy || !line.overrides.command.empty();
  return needs_no_file ? config::Location() : config::locate_configuration(line.file);
}

// For the edge that started this process: what a new start would read.
void print_configuration(const cli::CommandLine& line) {
  auto loaded = load(location_of(line), line.overrides);
  edge::LoadReport report{.configuration = config::Configuration(), .warnings = {}};
  if (loaded) {
    for (const std::string_view key : config::kForANewStart)
      report.places[std::string(key)] =
          config::place_of(loaded->provenance, loaded->file, std::string(key));
    report.configuration = std::move(loaded->configuration);
    report.warnings = std::move(loaded->warnings);
  } else {
    report.configuration = std::unexpected(std::move(loaded).error());
  }
  const std::string text = report.text();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// For the edge that started this process: what is in the files of certificates now.
Result<void> print_certificates() {
  const UniqueFd configuration(edge::kCertificatesConfigurationFd);
  const UniqueFd material(edge::kCertificatesMaterialFd);
  const std::string text = TRY(ipc::read_sealed_file(configuration.get()));
  const edge::CertificatesRead read =
      edge::read_certificates(TRY(config::from_effective_text(text)));
  TRY_VOID(ipc::seal_into(material.get(), read.material));
  const std::string report = read.report.text();
  std::fwrite(report.data(), 1, report.size(), stdout);
  return {};
}

Result<void> run_edge(const cli::CommandLine& line, std::vector<std::string> arguments) {
  const config::Location location = location_of(line);
  config::Loaded loaded = TRY(load(location, line.overrides));
  const config::Configuration& configuration = loaded.configuration;
  log::configure(configuration.log.level, configuration.log.format);
  for (const std::string& warning : loaded.warnings) log::warn("configuration_doubted", warning);
  const auto folders =
      config::control_folders(config::surroundings_of_this_process().variable, ::geteuid());
  config::ControlSocketPlace place =
      TRY(config::place_control_socket(configuration.monitor.socket, folders, ::getpid()));
  const auto settle = [keys = std::make_shared<StickyKeys>()](config::Configuration& settled) {
    keys->settle(settled);
    settle_policies(settled);
  };
  auto edge =
      TRY(edge::Edge::create({.configuration = configuration,
                              .configuration_source = describe(line, location),
                              .arguments = std::move(arguments),
                              .settle = settle,
                              .control_socket = TRY(Address::parse("unix:" + place.path))}));
  place.lock.reset();  // the socket listens: the next instance sees that it is taken
  return edge->run();
}

// What a JavaScript file exports, a module of either kind, as JSON on one line: only Node can tell.
Result<std::string> exports_of(const std::string& file) {
  constexpr const char* kProgram =
      "import(url.pathToFileURL(process.argv[1]).href)"
      ".then(found => console.log(JSON.stringify(found.default ?? found)))"
      ".catch(error => { console.error(error); process.exitCode = 1; })";
  if (::access(file.c_str(), R_OK) != 0) return fail_errno("reading " + file, errno);
  const char* const path = std::getenv("PATH");
  edge::Program node;
  node.path = TRY(edge::find_executable("node", path == nullptr ? "/usr/bin:/bin" : path));
  node.arguments = {"node", "-e", kProgram, "--", file};
  for (char** variable = environ; *variable != nullptr; ++variable)
    node.environment.emplace_back(*variable);
  node.die_with_us = true;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  node.out = to.get();
  const pid_t pid = TRY(edge::spawn(node, {}));
  to.reset();
  std::string printed;
  std::array<char, 65536> part{};
  for (ssize_t got = 0; (got = ::read(from.get(), part.data(), part.size())) != 0;) {
    if (got > 0) printed.append(part.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) return fail_errno("reading what node says of " + file, errno);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) return fail("node could not read " + file);
  while (printed.ends_with('\n')) printed.pop_back();
  return printed.substr(printed.rfind('\n') + 1);  // what the file itself prints comes before
}

int run_command(const cli::CommandLine& line, std::vector<std::string> arguments) {
  const config::Surroundings surroundings = surroundings_with_tls();
  const auto folders = config::control_folders(surroundings.variable, ::geteuid());
  switch (line.command) {
    case cli::Command::kCheck:
      return finish(cli::check(line, surroundings));
    case cli::Command::kExplain:
      return finish(cli::explain(line, surroundings));
    case cli::Command::kDiff:
      return finish(cli::diff(line, surroundings, folders,
                              [] { return ReuseportRotation::probe().has_value(); }));
    case cli::Command::kGenerate:
      return finish(line.subject == "metrics-reference"
                        ? cli::Outcome{ExitCode::kOk, metrics::metrics_reference(), ""}
                        : cli::generate(line));
    case cli::Command::kStatus:
      return finish(cli::status(line, folders));
    case cli::Command::kTop:
      return finish(cli::top(line, folders));
    case cli::Command::kLogs:
      return finish(cli::logs(line, folders, [](std::string_view text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
      }));
    case cli::Command::kHealth:
      return finish(cli::health(line, folders));
    case cli::Command::kStop:
      return finish(cli::stop(line, folders));
    case cli::Command::kReload:
    case cli::Command::kRestart:
    case cli::Command::kScale:
      return finish(cli::operate(
          line, folders,
          {.say = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); },
           .at_once = ::isatty(STDERR_FILENO) == 1}));
    case cli::Command::kImport:
      return finish(cli::import_pm2(line, surroundings, exports_of));
    case cli::Command::kVersion:  // answered by the parser
    case cli::Command::kRun:
    case cli::Command::kProxy:
      break;
  }
  if (std::getenv(edge::kLoadVariable) != nullptr) {
    print_configuration(line);
    return 0;
  }
  const auto ran = run_edge(line, std::move(arguments));
  return ran ? 0 : report(ran.error());
}

int run(int count, char** arguments) {
  if (ipc::Heritage::present()) {
    const auto ran = run_inherited();
    return ran ? 0 : report(ran.error());
  }
  if (std::getenv(edge::kCertificatesVariable) != nullptr) {
    ::prctl(PR_SET_NAME, "roundhouse");
    ::prctl(PR_SET_DUMPABLE, 0);  // it holds keys
    const auto printed = print_certificates();
    return printed ? 0 : report(printed.error());
  }
  const auto line = cli::parse_command_line(count, arguments);
  if (!line) return finish(line.error());
  return run_command(*line, std::vector<std::string>(arguments, arguments + count));
}

}  // namespace
}  // namespace roundhouse

int main(int count, char** arguments) { return roundhouse::run(count, arguments); }
