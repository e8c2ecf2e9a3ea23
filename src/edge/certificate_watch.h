// Notices that files of certificates have changed, and renews what was made of them: no worker is
// replaced, no connection is touched, and nothing else of the configuration is read.
//
// A process of its own reads and examines them. Without TLS there is none, and nothing is watched.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "edge/certificate_report.h"
#include "edge/fleet.h"
#include "edge/folder_watch.h"
#include "edge/own_process.h"
#include "edge/renewal_schedule.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class CertificateWatch {
 public:
  struct Parts {
    EventLoop& loop;
    Fleet& fleet;                   // outlives this
    std::function<bool()> reloads;  // another configuration is on its way: renewals wait
    std::function<void()> renewed;  // others than workers have to know
  };
  explicit CertificateWatch(Parts parts);

  // The configuration in force is another one: its files are looked at.
  void begin();
  void tick(Time now);
  // True if the process was one of this.
  bool reaped(pid_t pid) { return process_.reaped(pid); }
  void stop();

 private:
  // What cannot be used, and whose it is: "listener", "web", "/etc/site.pem is ...".
  struct Fault {
    std::string kind;
    std::string owner;
    std::string why;
    std::string text() const { return kind.empty() ? why : kind + " " + owner + ": " + why; }
  };
  using Faults = std::vector<Fault>;

  void look();
  void on_read(Result<std::string> printed);
  Faults take(const CertificateReport& report);
  Fault fault_at(CertificatePlace place, const std::string& why) const;
  void log_renewed(const CertificateReport& report,
                   const std::vector<CertificatePlace>& changed) const;
  void tell(const Faults& faults);

  Parts parts_;
  RenewalSchedule schedule_;
  FolderWatch folders_;
  OwnProcess process_;
  UniqueFd material_;            // that the process writes
  std::uint32_t looked_at_ = 0;  // number of the configuration
  std::set<std::string> told_;   // texts of faults
  bool stopped_ = false;
};

}  // namespace roundhouse::edge
