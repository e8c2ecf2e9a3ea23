#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace roundhouse::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};
constexpr std::array kDurationUnits = {Unit{"h", 3'600'000'000'000}, Unit{"m", 60'000'000'000},
                                       Unit{"s", 1'000'000'000}, Unit{"ms", 1'000'000}};
constexpr std::array kByteUnits = {Unit{"TiB", static_cast<std::int64_t>(kTiB)},
                                   Unit{"GiB", static_cast<std::int64_t>(kGiB)},
                                   Unit{"MiB", static_cast<std::int64_t>(kMiB)},
                                   Unit{"KiB", static_cast<std::int64_t>(kKiB)}, Unit{"B", 1}};

constexpr std::int64_t kMaxRate = 10'000'000;
constexpr std::string_view kTooLarge = "is out of range";

// A number and what follows it.
Parsed<std::pair<std::int64_t, std::string_view>> leading_number(std::string_view text) {
  std::int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc::result_out_of_range) return std::unexpected(std::string(kTooLarge));
  if (error != std::errc()) return std::unexpected("is not a number");
  return std::pair(number, std::string_view(end, static_cast<std::size_t>(last - end)));
}

Parsed<std::int64_t> scaled(std::int64_t number, std::int64_t unit) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(number, unit, &result)) return std::unexpected(std::string(kTooLarge));
  return result;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  const auto* found = std::ranges::find(units, name, &Unit::name);
  return found == units.end() ? nullptr : found;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

}  // namespace

Parsed<std::int64_t> parse_count(std::string_view text) {
  const auto parsed = leading_number(text);
  if (!parsed) return std::unexpected(parsed.error());
  if (!parsed->second.empty()) return std::unexpected("is not a whole number");
  return parsed->first;
}

Parsed<Duration> parse_duration(std::string_view text) {
  const auto parsed = leading_number(text);
  if (!parsed) {
    return std::unexpected(parsed.error() == kTooLarge ? parsed.error() : "is not a duration");
  }
  const auto [number, rest] = *parsed;
  if (rest.empty()) {
    if (number == 0) return Duration::zero();
    return std::unexpected("has no unit");
  }
  const Unit* unit = find_unit(kDurationUnits, rest);
  if (unit == nullptr) return std::unexpected("is not a duration");
  const auto nanoseconds = scaled(number, unit->size);
  if (!nanoseconds) return std::unexpected(nanoseconds.error());
  return Duration(*nanoseconds);
}

Parsed<Bytes> parse_bytes(std::string_view text) {
  const auto parsed = leading_number(text);
  if (!parsed) {
    return std::unexpected(parsed.error() == kTooLarge ? parsed.error() : "is not a size");
  }
  const auto [number, rest] = *parsed;
  if (number < 0) return std::unexpected(std::string(kTooLarge));
  const Unit* unit = find_unit(kByteUnits, rest.empty() ? "B" : rest);
  if (unit == nullptr) return std::unexpected("is not a size");
  const auto bytes = scaled(number, unit->size);
  if (!bytes) return std::unexpected(bytes.error());
  return static_cast<Bytes>(*bytes);
}

std::string format_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  for (const Unit& unit : kDurationUnits) {
    if (unit.name == "m" && count < 10 * unit.size) continue;
    if (count % unit.size == 0) return std::to_string(count / unit.size) + std::string(unit.name);
  }
  return std::to_string(count / 1'000'000) + "ms";
}

std::string format_bytes(Bytes bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : kByteUnits) {
    const auto size = static_cast<Bytes>(unit.size);
    if (bytes % size == 0) return std::to_string(bytes / size) + std::string(unit.name);
  }
  return std::to_string(bytes);
}

Parsed<Rate> parse_rate(std::string_view text) {
  if (text == "off") return Rate{};
  const auto slash = std::min(text.find('/'), text.size());
  const auto count = parse_count(text.substr(0, slash));
  if (!count || slash == text.size()) return std::unexpected("is not a rate");
  if (*count < 1 || *count > kMaxRate) return std::unexpected(std::string(kTooLarge));
  std::string per(text.substr(slash + 1));
  if (per == "s" || per == "m" || per == "h") per.insert(0, 1, '1');
  const auto duration = parse_duration(per);
  if (!duration || *duration < 1ms || *duration > 24h) return std::unexpected("is not a rate");
  return Rate{static_cast<std::uint32_t>(*count), *duration};
}

std::string format_rate(const Rate& rate) {
  if (rate.count == 0) return "off";
  std::string per = format_duration(rate.per);
  if (rate.per == 60s) per = "m";
  if (per == "1s" || per == "1h") per.erase(0, 1);
  return std::to_string(rate.count) + "/" + per;
}

Parsed<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && is_blank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote == 0) {
      if (i + 1 == text.size()) return std::unexpected("ends in a backslash");
      words.back() += text[++i];
    } else if (c == '\\' && quote == '"' && (next == '"' || next == '\\')) {
      words.back() += text[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::unexpected("has a quote that is not closed");
  return words;
}

bool is_valid_name(std::string_view name) {
  const auto starts = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 32 || !starts(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return starts(c) || c == '_' || c == '-'; });
}

bool is_valid_token(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

bool is_valid_field_value(std::string_view text) {
  return std::ranges::all_of(text,
                             [](unsigned char c) { return c == '\t' || (c >= ' ' && c != 127); });
}

bool is_request_path(std::string_view text) {
  const auto fits = [](char c) { return c > ' ' && c < 127 && c != '#'; };
  return text.starts_with('/') && text.size() <= 1024 && std::ranges::all_of(text, fits);
}

bool is_host_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, fits);
}

bool is_name_and_port(std::string_view text) {
  const auto colon = std::min(text.rfind(':'), text.size());
  const auto port =
      colon < text.size() ? parse_count(text.substr(colon + 1)) : Parsed<std::int64_t>(0);
  return is_host_name(text.substr(0, colon)) && port && *port >= 1 && *port <= 65535;
}

bool is_valid_variable_name(std::string_view name) {
  const auto starts = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !starts(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return starts(c) || (c >= '0' && c <= '9'); });
}

Parsed<Server> parse_server(std::string_view text) {
  const auto blank = std::min(text.find(' '), text.size());
  Server server{std::string(text.substr(0, blank))};
  const auto address = Address::parse(server.address);
  if (!address || (!address->is_unix() && (address->port() == 0 || address->is_any())))
    return std::unexpected("is not the address of a server");
  if (blank == text.size()) return server;
  const auto weight = parse_count(text.substr(blank + 1));
  if (!weight || *weight < 1 || *weight > 1000)
    return std::unexpected("has a weight that is not a number from 1 to 1000");
  server.weight = static_cast<std::uint32_t>(*weight);
  return server;
}

Parsed<Certificate> parse_certificate(std::string_view text) {
  const auto tab = std::min(text.find('\t'), text.size());
  Certificate certificate{.cert = std::string(text.substr(0, tab)), .key = {}};
  if (tab < text.size()) certificate.key = text.substr(tab + 1);
  if (certificate.cert.empty() || text.contains('\0') || certificate.key.contains('\t'))
    return std::unexpected("is not the path of a file");
  return certificate;
}

std::string format_certificate(const Certificate& certificate) {
  return certificate.key.empty() ? certificate.cert : certificate.cert + "\t" + certificate.key;
}

Parsed<Address> parse_name_server(std::string_view text) {
  const std::string whole(text);
  for (const std::string& form : {whole, whole + ":53", "[" + whole + "]:53"}) {
    const auto address = Address::parse(form);
    if (address && !address->is_unix() && !address->is_any() && address->port() != 0)
      return *address;
  }
  return std::unexpected("is not the address of a name server");
}

std::string format_server(const Server& server) {
  return server.weight == 1 ? server.address : server.address + " " + std::to_string(server.weight);
}

}  // namespace roundhouse::config
