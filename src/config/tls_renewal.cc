#include "config/tls_renewal.h"

#include "config/report.h"
#include "config/upstream_tls.h"

namespace roundhouse::config {
namespace {

std::string line_of(const Problem& problem) { return problem.key + ": " + problem.what; }

}  // namespace

std::vector<std::string> tls_paths(const Configuration& configuration) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    if (!path.empty()) paths.push_back(path);
  };
  for (const Listener& listener : configuration.listeners) {
    for (const Certificate& files : listener.tls.certificates) {
      add(files.cert);
      add(files.key);
    }
    add(listener.tls.client_ca);
  }
  for (const Upstream& upstream : configuration.upstreams) {
    if (!upstream.tls.enabled) continue;
    add(upstream.tls.ca);
    add(upstream.tls.cert);
    add(upstream.tls.key);
  }
  return paths;
}

Result<std::vector<std::string>> check_renewal(const Configuration& configuration,
                                               const TlsKnowledge& knowledge) {
  const Provenance nowhere;  // the file that named them may say something else by now
  Problems problems;
  Problems doubts;
  Report errors(nowhere, problems);
  Report report(nowhere, doubts);
  check_tls_files(configuration, knowledge, errors, report);
  check_upstream_tls_files(configuration, knowledge, errors, report);
  if (!problems.empty()) {
    std::string message;
    for (const Problem& problem : problems)
      message += (message.empty() ? "" : "\n") + line_of(problem);
    return fail(std::move(message), ExitCode::kConfiguration);
  }
  std::vector<std::string> lines;
  for (const Problem& doubt : doubts) lines.push_back(line_of(doubt));
  return lines;
}

}  // namespace roundhouse::config
