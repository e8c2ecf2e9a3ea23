#include "config/text_template.h"

#include <algorithm>
#include <utility>

#include "config/suggestion.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kNames[] = {
    "",      "client_address", "client_port", "scheme", "host",     "method",   "target", "path",
    "query", "request_id",     "listener",    "route",  "upstream", "endpoint", "header", "cookie"};

std::expected<TextTemplate::Part, std::string> placeholder_of(std::string_view inside) {
  const auto colon = std::min(inside.find(':'), inside.size());
  const std::string_view name = inside.substr(0, colon);
  const auto* const found = std::ranges::find(kNames, name);
  if (name.empty() || found == std::end(kNames)) {
    const std::string_view near = nearest(name, std::span(kNames).subspan(1));
    return std::unexpected("holds the unknown %{" + std::string(inside) + "}" +
                           (near.empty() ? "" : ", perhaps for %{" + std::string(near) + "}"));
  }
  TextTemplate::Part part{.what = static_cast<Placeholder>(found - kNames)};
  const bool named = part.what == Placeholder::kHeader || part.what == Placeholder::kCookie;
  if (named != (colon < inside.size()))
    return std::unexpected("holds %{" + std::string(inside) + "}" +
                           (named ? " without a name behind a ':'" : ", which takes no name"));
  if (!named) return part;
  part.text = inside.substr(colon + 1);
  if (!is_valid_token(part.text))
    return std::unexpected("holds %{" + std::string(inside) + "} with a name that is none");
  return part;
}

}  // namespace

std::span<const std::string_view> placeholder_names() { return kNames; }

std::expected<TextTemplate, std::string> TextTemplate::parse(std::string_view text) {
  TextTemplate result;
  std::string literal;
  const auto add_literal = [&] {
    if (!literal.empty())
      result.parts_.push_back({Placeholder::kText, std::exchange(literal, std::string())});
  };
  while (!text.empty()) {
    if (text.starts_with("%%")) {
      literal += '%';
      text.remove_prefix(2);
    } else if (text.starts_with("%{")) {
      const auto end = text.find('}');
      if (end == text.npos) return std::unexpected("has a %{ that is not closed");
      auto part = placeholder_of(text.substr(2, end - 2));
      if (!part) return std::unexpected(std::move(part.error()));
      add_literal();
      result.parts_.push_back(*std::move(part));
      text.remove_prefix(end + 1);
    } else {
      literal += text.front();
      text.remove_prefix(1);
    }
  }
  add_literal();
  return result;
}

}  // namespace roundhouse::config
