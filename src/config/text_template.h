// Text of an operator that stands for something of each request: "https://%{host}%{target}".
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::config {

enum class Placeholder : std::uint8_t {
  kText,  // no placeholder: the text itself
  kClientAddress,
  kClientPort,
  kScheme,
  kHost,  // as the client wrote it, with the port
  kMethod,
  kTarget,  // path and query as they were sent
  kPath,
  kQuery,
  kRequestId,
  kListener,
  kRoute,
  kUpstream,
  kEndpoint,  // in response fields; before there is one: nothing
  kHeader,    // header:NAME of the request
  kCookie     // cookie:NAME
};

// Without their arguments; in the order of the enum.
std::span<const std::string_view> placeholder_names();

// Parsed once, then filled in for each request.
class TextTemplate {
 public:
  struct Part {
    Placeholder what = Placeholder::kText;
    std::string text;  // kText, or the NAME of kHeader and kCookie
  };

  // "%%" is a "%". The error completes the sentence "'TEXT' ...".
  static std::expected<TextTemplate, std::string> parse(std::string_view text);

  const std::vector<Part>& parts() const { return parts_; }
  bool is_constant() const {
    return parts_.empty() || (parts_.size() == 1 && parts_[0].what == Placeholder::kText);
  }

 private:
  std::vector<Part> parts_;
};

}  // namespace roundhouse::config
