#include "edge/certificate_watch.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "ipc/shared_memory.h"

namespace roundhouse::edge {
namespace {

// "2026-03-01 12:00:00 UTC"
std::string date_of(std::int64_t unix_time) {
  const auto seconds = static_cast<std::time_t>(unix_time);
  std::tm utc{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return std::to_string(unix_time);
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text.data();
}

}  // namespace

CertificateWatch::CertificateWatch(Parts parts)
    : parts_(std::move(parts)),
      schedule_(parts_.loop.now()),
      folders_(parts_.loop, [this] { schedule_.changed(parts_.loop.now()); }),
      process_(parts_.loop,
               {.task = "reading the certificates",
                .arguments = {"roundhouse", "certificates"},
                .variable = kCertificatesVariable},
               [this](Result<std::string> printed) { on_read(std::move(printed)); }) {}

void CertificateWatch::begin() {
  if (parts_.fleet.in_force().tls_files) return schedule_.changed(parts_.loop.now());
  folders_.set({});
  tell({});
}

void CertificateWatch::tick(Time now) {
  const bool may_look = !stopped_ && parts_.fleet.in_force().tls_files && !process_.lingers();
  if (may_look && schedule_.is_due(now) && !parts_.reloads()) look();
}

void CertificateWatch::look() {
  auto material = ipc::create_unsealed_file("roundhouse-tls");
  if (!material) return;  // at the next tick, then
  material_ = *std::move(material);
  schedule_.begun();
  looked_at_ = parts_.fleet.in_force().number;
  const std::array descriptors = {parts_.fleet.in_force().text.get(), material_.get()};
  process_.start(descriptors);
}

void CertificateWatch::stop() {
  stopped_ = true;
  process_.cancel();
}

void CertificateWatch::on_read(Result<std::string> printed) {
  const Time now = parts_.loop.now();
  const Fleet::InForce& in_force = parts_.fleet.in_force();
  if (parts_.reloads() || in_force.number != looked_at_ || !in_force.tls_files) {
    schedule_.ended(now, "");
    return schedule_.changed(now);
  }
  const auto report = printed ? CertificateReport::from_text(*printed)
                              : Result<CertificateReport>(std::unexpected(printed.error()));
  const Faults faults =
      report ? take(*report) : Faults{{.kind = {}, .owner = {}, .why = report.error().message}};
  material_.reset();
  std::string wrong;
  for (const Fault& fault : faults) wrong += fault.text() + "\n";
  if (schedule_.ended(now, wrong) || faults.empty()) return tell(faults);
  log::debug("certificates_unsettled", "not told yet, or told before: " + faults.front().text());
}

CertificateWatch::Faults CertificateWatch::take(const CertificateReport& report) {
  if (folders_.set(report.folders)) schedule_.changed(parts_.loop.now());
  Faults faults;
  for (const CertificateReport::Refused& refused : report.refused)
    faults.push_back(fault_at(refused.place, refused.why));
  const auto changed = parts_.fleet.renew_certificates(report, material_.get());
  if (!changed) {
    faults.push_back({.kind = {}, .owner = {}, .why = changed.error().message});
  } else if (!changed->empty()) {
    ipc::add(parts_.fleet.board().header().certificates_renewed);
    log_renewed(report, *changed);
    parts_.renewed();
  }
  return faults;
}

CertificateWatch::Fault CertificateWatch::fault_at(CertificatePlace place,
                                                   const std::string& why) const {
  const config::Configuration& configuration = parts_.fleet.configuration();
  const auto name_in = [&](const auto& owners) {
    return place.owner < owners.size() ? owners[place.owner].name : "";
  };
  return place.of_upstream ? Fault{"upstream", name_in(configuration.upstreams), why}
                           : Fault{"listener", name_in(configuration.listeners), why};
}

void CertificateWatch::log_renewed(const CertificateReport& report,
                                   const std::vector<CertificatePlace>& changed) const {
  for (const CertificatePlace place : changed) {
    const Fault whose = fault_at(place, "");
    const auto found =
        std::ranges::find(report.certificates, place, &CertificateReport::Certificate::place);
    if (found == report.certificates.end()) {
      log::info("authorities_renewed",
                whose.kind + " " + whose.owner + ": the authorities are others now",
                {{whose.kind, whose.owner}});
      continue;
    }
    const std::string date = date_of(found->not_after);
    log::info("certificates_renewed",
              whose.kind + " " + whose.owner + ": the certificate for " + found->name +
                  " is another now, which expires on " + date,
              {{whose.kind, whose.owner}, {"name", found->name}, {"not_after", date}});
  }
}

// Each once, and that there is none any more.
void CertificateWatch::tell(const Faults& faults) {
  std::set<std::string> texts;
  for (const Fault& fault : faults) {
    texts.insert(fault.text());
    if (told_.contains(fault.text())) continue;
    const std::string sentence = fault.text() + "; what was read before goes on";
    if (fault.kind.empty())
      log::error("certificates_refused", sentence);
    else
      log::error("certificates_refused", sentence, {{fault.kind, fault.owner}});
  }
  if (texts.empty() && !told_.empty())
    log::info("certificates_accepted", "all files of certificates can be used again");
  told_ = std::move(texts);
  ipc::BoardHeader& header = parts_.fleet.board().header();
  header.certificates_refused.store(static_cast<std::uint32_t>(told_.size()));
  std::snprintf(header.certificate_refusal, sizeof header.certificate_refusal, "%s",
                faults.empty() ? "" : faults.front().text().c_str());
}

}  // namespace roundhouse::edge
