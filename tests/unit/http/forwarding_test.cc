#include "http/forwarding.h"

#include <gtest/gtest.h>

#include <string>

#include "http/http1_request_parser.h"

namespace roundhouse::http {
namespace {

// The names, with a space behind each, of the fields that go on; "refused" if too many are named.
std::string forwarded(const std::string& field_lines) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n" + field_lines + "\r\n";
  RequestParser parser({.line_bytes = 8192, .head_bytes = 16384, .fields = 100});
  Request request(100);
  EXPECT_EQ(parser.parse(head, request), Parse::kDone) << head;
  const HopByHop hop_by_hop(request.fields);
  if (hop_by_hop.too_many()) return "refused";
  std::string names;
  for (std::size_t i = 0; i < request.fields.size(); ++i) {
    if (!hop_by_hop.holds(request.fields[i])) names.append(request.fields[i].name).append(" ");
  }
  return names;
}

TEST(HopByHop, EndToEndFieldsGoOn) {
  EXPECT_EQ(forwarded("Accept: */*\r\nAuthorization: x\r\nTrailer: y\r\nContent-Length: 3\r\n"),
            "Host Accept Authorization Trailer Content-Length ");
}

TEST(HopByHop, FieldsOfTheConnectionEndHere) {
  EXPECT_EQ(forwarded("Connection: keep-alive\r\nkeep-alive: timeout=5\r\nTE: trailers\r\n"
                      "Proxy-Connection: close\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n"),
            "Host ");
}

TEST(HopByHop, WhatConnectionNamesEndsHereInAnyCaseAndAnyLine) {
  EXPECT_EQ(forwarded("x-one: 1\r\nConnection: close, X-One\r\nX-Two: 2\r\nX-Three: 3\r\n"
                      "connection: ,x-TWO,,\r\n"),
            "Host X-Three ");
}

TEST(HopByHop, HostAndContentLengthCannotBeNamedAway) {
  EXPECT_EQ(forwarded("Connection: Host, Content-Length\r\nContent-Length: 3\r\n"),
            "Host Content-Length ");
}

TEST(HopByHop, SomeEndHereUnnamed) {
  EXPECT_TRUE(HopByHop::is_always("keep-alive"));
  EXPECT_FALSE(HopByHop::is_always("X-One"));
}

TEST(FieldTable, WhatIsRemovedLeavesTheOthersInTheirOrder) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nA: 2\r\nB: 3\r\nC: 4\r\n\r\n";
  RequestParser parser(HeadLimits{});
  Request request(100);
  ASSERT_EQ(parser.parse(head, request), Parse::kDone);
  request.fields.remove_if([](const Field& field) { return field.name == "B"; });
  ASSERT_EQ(request.fields.size(), 3);
  EXPECT_EQ(request.fields[1].value, "2");
  EXPECT_EQ(request.fields[2].value, "4");
}

TEST(HopByHop, MoreNamesThanTheLimitAreRefusedAndRepeatedOnesCountOnce) {
  std::string names = "close, keep-alive, a";
  for (std::size_t i = 1; i < HopByHop::kNamesMax; ++i) names += ", a, x" + std::to_string(i);
  EXPECT_EQ(forwarded("Connection: " + names + "\r\nX1: 1\r\nY: 1\r\n"), "Host Y ");
  EXPECT_EQ(forwarded("Connection: " + names + ", more\r\n"), "refused");
}

}  // namespace
}  // namespace roundhouse::http
