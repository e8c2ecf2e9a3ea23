#include "edge/certificate_ledger.h"

#include <algorithm>

namespace roundhouse::edge {

CertificateLedger::News CertificateLedger::answered(std::size_t place, std::uint64_t number,
                                                    const std::string& refusal, Time now) {
  const auto found = entries_.find(place);
  if (found == entries_.end()) return News::kNone;  // it was on its way when the worker left
  Entry& entry = found->second;
  entry.answered = std::max(entry.answered, number);
  const bool is_news = entry.refusal != refusal;
  entry.refusal = refusal;
  entry.again = refusal.empty() ? Time::max() : now + kAgain;
  if (refusal.empty()) entry.used = number;
  if (!is_news) return News::kNone;
  return refusal.empty() ? News::kAcceptedAgain : News::kRefused;
}

std::vector<std::size_t> CertificateLedger::due_again(Time now) {
  std::vector<std::size_t> due;
  for (auto& [place, entry] : entries_) {
    if (now < entry.again) continue;
    entry.again = now + kAgain;
    due.push_back(place);
  }
  return due;
}

bool CertificateLedger::refuses(std::size_t place) const {
  const auto found = entries_.find(place);
  return found != entries_.end() && !found->second.refusal.empty();
}

std::size_t CertificateLedger::owing() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& one) { return one.second.answered < one.second.given; }));
}

std::size_t CertificateLedger::refusing() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const auto& one) { return !one.second.refusal.empty(); }));
}

std::string CertificateLedger::refusal() const {
  for (const auto& [place, entry] : entries_) {
    if (!entry.refusal.empty()) return entry.refusal;
  }
  return "";
}

std::uint64_t CertificateLedger::used(std::size_t place) const {
  const auto found = entries_.find(place);
  return found == entries_.end() ? 0 : found->second.used;
}

}  // namespace roundhouse::edge
