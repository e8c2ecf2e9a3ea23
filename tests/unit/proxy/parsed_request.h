// A request as the parser leaves it, with the bytes that its views point into.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http/http1_request_parser.h"
#include "http/message.h"

namespace roundhouse::proxy {

class ParsedRequest {
 public:
  explicit ParsedRequest(std::string bytes)
      : bytes_(std::make_unique<std::string>(std::move(bytes))) {
    http::RequestParser parser(http::HeadLimits{});
    parser.start();
    EXPECT_EQ(parser.parse(*bytes_, request_), http::Parse::kDone) << *bytes_;
  }
  // "GET /path", with more fields.
  ParsedRequest(const std::string& line, const std::string& fields)
      : ParsedRequest(line + " HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n") {}

  const http::Request& operator*() const { return request_; }

 private:
  std::unique_ptr<std::string> bytes_;
  http::Request request_{100};
};

}  // namespace roundhouse::proxy
