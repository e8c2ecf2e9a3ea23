// The tables of tests/conformance on nginx, HAProxy and us: a table in markdown of what each does
// where it differs from what is owed. Peers that are not installed are left out. Exit 1 if we
// differ.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "conformance/table.h"
#include "conformance/trial.h"
#include "support/process.h"

namespace roundhouse::conformance {
namespace {

using std::chrono::milliseconds;

// A peer does not know our tables: what it does not do within this time is not awaited longer. More
// than what an impatient one waits for its origin.
constexpr milliseconds kPatience{1500};

Address free_address() {
  const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address any = Address::loopback(0);
  ::bind(probe.get(), any.data(), any.size());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  return {reinterpret_cast<sockaddr*>(&bound), size};
}

bool accepts(const Address& address) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address.data(), address.size()) == 0;
}

struct Place {
  Address proxy;
  Address origin;
  bool impatient = false;
  const test::TemporaryDirectory& directory;
};

// Each as an operator would have it: one worker, kept connections to the origin, bodies streamed
// both ways, WebSockets let through, the client's address from the connection, nothing tried twice,
// 10 MiB of a body.
std::vector<std::string> nginx(const Place& place) {
  const std::string& folder = place.directory.path();
  std::string text = "daemon off; worker_processes 1; pid " + folder + "/pid; error_log " + folder +
                     "/log crit;\nevents { worker_connections 512; }\nhttp { access_log off;\n";
  for (const char* name : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    text.append(name).append("_temp_path ").append(folder).append("/").append(name).append(";\n");
  const std::string wait = place.impatient ? "300ms" : "60s";
  text += "map $http_upgrade $upgrade { default upgrade; '' ''; }\n";
  text += "upstream site { server " + place.origin.to_string() +
          " max_fails=0; keepalive 16; }\nserver { listen " + place.proxy.to_string() +
          "; client_max_body_size 10m; location / {\nproxy_pass http://site; "
          "proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;\n"
          "proxy_next_upstream off; proxy_read_timeout " +
          wait +
          ";\nproxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;\n"
          "proxy_set_header Connection $upgrade; proxy_set_header X-Forwarded-For $remote_addr;\n"
          "} } }\n";
  return {"nginx", "-c", place.directory.write("nginx.conf", text), "-e", folder + "/log"};
}

std::vector<std::string> haproxy(const Place& place) {
  const std::string wait = place.impatient ? "300ms" : "60s";
  const std::string text =
      "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n"
      "  timeout server " +
      wait + "\n  retries 0\n  http-reuse always\nlisten site\n  bind " + place.proxy.to_string() +
      "\n  http-request del-header X-Forwarded-For\n  option forwardfor\n  server origin " +
      place.origin.to_string() + "\n";
  return {"haproxy", "-f", place.directory.write("haproxy.cfg", text)};
}

std::vector<std::string> roundhouse(const Place& place) {
  const std::string wait = place.impatient ? ", timeouts: {response: 300ms, idle: 300ms}" : "";
  const std::string text =
      "listeners: {web: {bind: '" + place.proxy.to_string() +
      "'}}\npools: {gateway: {type: proxy, workers: 1}}\nupstreams: {site: {servers: ['" +
      place.origin.to_string() + "'], retries: {attempts: 0}, eject: {failures: 0}" + wait +
      "}}\nmonitor: {bind: off, socket: " + place.directory.path() + "/control.sock}\n";
  return {CONFORMANCE_ROUNDHOUSE, "run", "-c", place.directory.write("roundhouse.yaml", text)};
}

struct Peer {
  std::string name;
  std::vector<std::string> (*command)(const Place&);
};

const std::array<Peer, 3> kPeers = {
    {{"roundhouse", roundhouse}, {"nginx", nginx}, {"HAProxy", haproxy}}};

// One peer in front of an origin.
class Stand {
 public:
  Stand(const Peer& peer, bool impatient)
      : address_(free_address()),
        process_(peer.command({.proxy = address_,
                               .origin = origin_.address(),
                               .impatient = impatient,
                               .directory = directory_})) {
    if (!test::eventually([this] { return accepts(address_) || !process_.running(); }) ||
        !process_.running()) {
      std::cerr << peer.name << " did not start: " << process_.output() << "\n";
      std::exit(1);
    }
  }

  Outcome try_out(const Case& one) { return play(one, origin_, address_, kPatience); }

 private:
  test::TemporaryDirectory directory_;
  ScriptedOrigin origin_;
  Address address_;
  test::Process process_;
};

// What one peer did otherwise; empty: as owed, but perhaps with another status.
std::string remark(const Case& one, const Outcome& outcome) {
  std::string text;
  for (const Difference& difference : judge(one, outcome)) {
    if (difference.kind == Difference::Kind::kManner) continue;
    if (text.find(difference.text) != text.npos) continue;
    text += (text.empty() ? "" : "; ") + difference.text;
  }
  std::ranges::replace(text, '|', '/');
  return text;
}

struct Row {
  const Case* one;
  std::vector<std::string> remarks;  // by peer
};

class Comparison {
 public:
  Comparison() {
    for (const Peer& peer : kPeers) {
      const bool there =
          peer.name == "roundhouse" ||
          std::filesystem::exists(
              "/usr/sbin/" +
              std::string(
                  peer.command({.proxy = {}, .origin = {}, .directory = scratch_}).front()));
      if (there) peers_.push_back(peer);
    }
  }

  std::vector<Row> run(const std::vector<Case>& table) {
    std::vector<Row> rows;
    for (const Case& one : table) rows.push_back({.one = &one, .remarks = {}});
    for (const Peer& peer : peers_) {
      std::map<bool, std::unique_ptr<Stand>> stands;
      for (Row& row : rows) {
        auto& stand = stands[row.one->impatient];
        if (stand == nullptr) stand = std::make_unique<Stand>(peer, row.one->impatient);
        row.remarks.push_back(remark(*row.one, stand->try_out(*row.one)));
      }
      std::cerr << "  .. " << peer.name << ": " << table.size() << " cases\n";
    }
    return rows;
  }

  // One line for each case of that kind in which somebody differs.
  void print(const std::vector<Row>& rows, bool of_choice) const {
    std::cout << "| case |";
    for (const Peer& peer : peers_)
      if (peer.name != "roundhouse") std::cout << " " << peer.name << " |";
    std::cout << (of_choice ? " why it may |" : "") << "\n|";
    for (std::size_t i = of_choice ? 0 : 1; i < peers_.size() + 1; ++i) std::cout << " --- |";
    std::cout << "\n";
    std::string group;
    for (const Row& row : rows) {
      if (row.one->choice.empty() == of_choice) continue;
      if (std::ranges::all_of(row.remarks, &std::string::empty)) continue;
      std::cout << "| " << (group == row.one->group ? "" : "**" + row.one->group + "**: ")
                << row.one->name << " |";
      group = row.one->group;
      for (std::size_t i = 1; i < row.remarks.size(); ++i)
        std::cout << " " << (row.remarks[i].empty() ? "as owed" : row.remarks[i]) << " |";
      std::cout << (of_choice ? " " + row.one->choice + " |" : "") << "\n";
    }
    std::cout << "\n";
  }

  // "3 + 5": in how many cases a peer does otherwise than owed, and otherwise by choice.
  void print_sums(const std::string& what, const std::vector<Row>& rows) const {
    std::cout << "| " << what << ", " << rows.size() << " cases |";
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      std::size_t wrong = 0;
      std::size_t otherwise = 0;
      for (const Row& row : rows)
        if (!row.remarks[i].empty()) ++(row.one->choice.empty() ? wrong : otherwise);
      std::cout << " " << wrong << " + " << otherwise << " |";
    }
    std::cout << "\n";
  }

  void print_head() const {
    std::cout << "| |";
    for (const Peer& peer : peers_) std::cout << " " << peer.name << " |";
    std::cout << "\n|";
    for (std::size_t i = 0; i < peers_.size() + 1; ++i) std::cout << " --- |";
    std::cout << "\n";
  }

 private:
  test::TemporaryDirectory scratch_;
  std::vector<Peer> peers_;
};

bool we_differ(const std::vector<Row>& rows) {
  bool any = false;
  for (const Row& row : rows) {
    if (row.remarks.front().empty()) continue;
    std::cerr << row.one->where << ": " << row.one->name << ": " << row.remarks.front() << "\n";
    any = true;
  }
  return any;
}

int compare() {
  const std::vector<Case> raw_requests = requests();
  const std::vector<Case> raw_answers = responses();
  Comparison comparison;
  const std::vector<Row> of_requests = comparison.run(raw_requests);
  const std::vector<Row> of_answers = comparison.run(raw_answers);
  comparison.print_head();
  comparison.print_sums("raw requests", of_requests);
  comparison.print_sums("raw answers", of_answers);
  std::cout << "\n### Raw requests: what is owed\n\n";
  comparison.print(of_requests, false);
  std::cout << "### Raw answers: what is owed\n\n";
  comparison.print(of_answers, false);
  std::cout << "### Raw requests: a matter of choice\n\n";
  comparison.print(of_requests, true);
  std::cout << "### Raw answers: a matter of choice\n\n";
  comparison.print(of_answers, true);
  const bool requests_differ = we_differ(of_requests);
  return we_differ(of_answers) || requests_differ ? 1 : 0;
}

}  // namespace
}  // namespace roundhouse::conformance

int main() { return roundhouse::conformance::compare(); }
