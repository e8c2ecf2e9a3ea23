#include "edge/certificate_report.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "config/tls_rules.h"
#include "net/tls_certificate.h"

namespace roundhouse::edge {
namespace {

using Place = CertificatePlace;

// Reads what one configuration names.
class Reader {
 public:
  ipc::TlsMaterial::Certificate pair(Place place, const config::Certificate& files) {
    auto cert = content(place, files.cert);
    if (!cert) return {};
    auto key = files.key == files.cert ? cert : content(place, files.key);
    if (!key) return {};
    const auto facts = examine_certificate(*cert, *key);
    if (!facts) {
      refuse(place, (facts.error().of_key ? files.key : files.cert) + " " + facts.error().what);
      return {};
    }
    report_.certificates.push_back({.place = place,
                                    .name = facts->names.empty() ? "none" : facts->names.front(),
                                    .not_after = facts->not_after});
    return {.cert = *std::move(cert), .key = *std::move(key)};
  }

  std::string authorities(Place place, const std::string& path) {
    if (path.empty()) return "";
    auto pem = content(place, path);
    if (!pem) return "";
    const std::string wrong = fault_of_authorities(*pem);
    if (wrong.empty()) return *std::move(pem);
    refuse(place, path + " " + wrong);
    return "";
  }

  CertificateReport take_report() { return std::move(report_); }

 private:
  std::optional<std::string> content(Place place, const std::string& path) {
    add_folders_of(path, report_.folders);
    auto content = read_file(path, config::kMaxPemBytes);
    if (content && content->size() <= config::kMaxPemBytes) return *std::move(content);
    refuse(place, content ? path + " is larger than 256 KiB" : content.error().message);
    return std::nullopt;
  }
  void refuse(Place place, std::string why) { report_.refused.push_back({place, std::move(why)}); }

  CertificateReport report_;
};

Json to_json(Place place) { return Json::array({place.of_upstream, place.owner, place.number}); }

Place place_of(const Json& json) {
  return {.of_upstream = json.at(0).get<bool>(),
          .owner = json.at(1).get<std::uint32_t>(),
          .number = json.at(2).get<std::uint32_t>()};
}

CertificateReport report_of(const Json& json) {
  CertificateReport report;
  for (const Json& one : json.at("refused"))
    report.refused.push_back({place_of(one.at(0)), one.at(1).get<std::string>()});
  for (const Json& one : json.at("certificates"))
    report.certificates.push_back({.place = place_of(one.at(0)),
                                   .name = one.at(1).get<std::string>(),
                                   .not_after = one.at(2).get<std::int64_t>()});
  for (const Json& one : json.at("folders"))
    report.folders[one.at(0).get<std::string>()] = one.at(1).get<std::set<std::string>>();
  return report;
}

// All that a material holds, each at its place; views into it.
struct Part {
  Place place;
  std::string* cert;  // or authorities
  std::string* key;   // none of authorities
};
std::vector<Part> parts_of(ipc::TlsMaterial& material) {
  std::vector<Part> parts;
  for (ipc::TlsMaterial::Listener& listener : material.listeners) {
    for (std::uint32_t i = 0; i < listener.certificates.size(); ++i) {
      ipc::TlsMaterial::Certificate& pair = listener.certificates[i];
      parts.push_back({{.owner = listener.index, .number = i}, &pair.cert, &pair.key});
    }
    parts.push_back(
        {{.owner = listener.index, .number = Place::kAuthorities}, &listener.client_ca, nullptr});
  }
  for (ipc::TlsMaterial::Upstream& upstream : material.upstreams) {
    parts.push_back({{.of_upstream = true, .owner = upstream.index},
                     &upstream.certificate.cert,
                     &upstream.certificate.key});
    parts.push_back({{.of_upstream = true, .owner = upstream.index, .number = Place::kAuthorities},
                     &upstream.ca,
                     nullptr});
  }
  return parts;
}

}  // namespace

std::string CertificateReport::text() const {
  Json json = {
      {"refused", Json::array()}, {"certificates", Json::array()}, {"folders", Json::array()}};
  for (const Refused& one : refused)
    json["refused"].push_back(Json::array({to_json(one.place), one.why}));
  for (const Certificate& one : certificates)
    json["certificates"].push_back(Json::array({to_json(one.place), one.name, one.not_after}));
  for (const auto& [folder, names] : folders)
    json["folders"].push_back(Json::array({folder, names}));
  return to_text(json);
}

Result<CertificateReport> CertificateReport::from_text(std::string_view text) {
  const auto json = parse_json(text);
  auto report = json ? read_json(*json, report_of) : std::nullopt;
  if (!report)
    return fail("the process that reads certificates ended without an answer", ExitCode::kSystem);
  return *std::move(report);
}

CertificatesRead read_certificates(const config::Configuration& configuration) {
  Reader reader;
  ipc::TlsMaterial material;
  for (std::uint32_t i = 0; i < configuration.listeners.size(); ++i) {
    const config::Tls& tls = configuration.listeners[i].tls;
    if (!tls.on()) continue;
    ipc::TlsMaterial::Listener& read = material.listeners.emplace_back();
    read.index = i;
    for (std::uint32_t number = 0; number < tls.certificates.size(); ++number)
      read.certificates.push_back(
          reader.pair({.owner = i, .number = number}, tls.certificates[number]));
    read.client_ca = reader.authorities({.owner = i, .number = Place::kAuthorities}, tls.client_ca);
  }
  for (std::uint32_t i = 0; i < configuration.upstreams.size(); ++i) {
    const auto& tls = configuration.upstreams[i].tls;
    if (!tls.enabled) continue;
    ipc::TlsMaterial::Upstream& read = material.upstreams.emplace_back();
    read.index = i;
    read.ca = reader.authorities({.of_upstream = true, .owner = i, .number = Place::kAuthorities},
                                 tls.ca);
    if (!tls.cert.empty())
      read.certificate =
          reader.pair({.of_upstream = true, .owner = i}, {.cert = tls.cert, .key = tls.key});
  }
  return {.report = reader.take_report(), .material = std::move(material)};
}

void keep_refused(const CertificateReport& report, const ipc::TlsMaterial& before,
                  ipc::TlsMaterial& material) {
  ipc::TlsMaterial kept = before;
  std::vector<Part> old = parts_of(kept);
  for (const Part& part : parts_of(material)) {
    const auto is_here = [&](const auto& one) { return one.place == part.place; };
    const auto there = std::ranges::find_if(old, is_here);
    if (there == old.end() || std::ranges::none_of(report.refused, is_here)) continue;
    *part.cert = std::move(*there->cert);
    if (part.key != nullptr) *part.key = *there->key;
  }
}

std::vector<CertificatePlace> changed_places(const ipc::TlsMaterial& before,
                                             const ipc::TlsMaterial& after) {
  ipc::TlsMaterial one = before;
  ipc::TlsMaterial other = after;
  const std::vector<Part> old = parts_of(one);
  std::vector<CertificatePlace> changed;
  for (const Part& part : parts_of(other)) {
    const auto there =
        std::ranges::find_if(old, [&](const Part& known) { return known.place == part.place; });
    const bool is_same = there != old.end() && *there->cert == *part.cert &&
                         (part.key == nullptr || *there->key == *part.key);
    if (!is_same) changed.push_back(part.place);
  }
  return changed;
}

}  // namespace roundhouse::edge
