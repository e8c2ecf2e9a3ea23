// A GET over HTTP/2, for a probe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/http2_codec.h"

namespace roundhouse::monitor {

class Http2Question {
 public:
  struct Parts {
    std::string_view scheme;
    std::string_view host;
    std::string_view path;
  };
  explicit Http2Question(const Parts& parts);

  // All that is sent, the preface included.
  const std::string& text() const { return text_; }
  // What has come: the status of the answer as soon as that is known; 0: there will be none.
  std::optional<int> read(std::string_view bytes);

 private:
  http::Http2HeadPool heads_{http::HeadLimits{}.fields};
  http::Http2Codec codec_;
  std::string text_;
};

}  // namespace roundhouse::monitor
