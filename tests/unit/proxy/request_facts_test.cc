#include "proxy/request_facts.h"

#include <gtest/gtest.h>

#include <vector>

#include "parsed_request.h"
#include "proxy/field_edits.h"

namespace roundhouse::proxy {
namespace {

const std::vector<Network> kTrusted = {Network::parse("10.0.0.0/8").value(),
                                       Network::parse("::1").value()};

std::string client_behind(const std::string& peer, const std::string& fields) {
  const ParsedRequest request("GET /", fields);
  return client_of(*request, Address::parse(peer).value(), kTrusted).host();
}

RequestFacts facts_of(const ParsedRequest& request) {
  return {.request = *request,
          .client = Address::parse("192.0.2.7:4711").value(),
          .peer_is_trusted = false,
          .scheme = "http",
          .id = "id-1",
          .listener = "web",
          .route = "r",
          .upstream = "u",
          .endpoint = ""};
}

std::string filled(const char* text, const ParsedRequest& request) {
  return filled_in(config::TextTemplate::parse(text).value(), facts_of(request));
}

TEST(ClientOf, WhoeverConnectsIsTheClientUnlessTrusted) {
  EXPECT_EQ(client_behind("192.0.2.1:9", "X-Forwarded-For: 1.1.1.1\r\n"), "192.0.2.1");
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: 1.1.1.1\r\n"), "1.1.1.1");
  EXPECT_EQ(client_behind("10.0.0.1:9", ""), "10.0.0.1");
}

TEST(ClientOf, TheLastOneThatIsNotTrustedIsBelieved) {
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.2.3.4\r\n"),
            "1.1.1.1");
  EXPECT_EQ(client_behind("10.0.0.1:9",
                          "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.1.1.1\r\n"
                          "X-Forwarded-For: 10.9.9.9\r\n"),
            "1.1.1.1");
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3");
}

TEST(ClientOf, AnAddressMayHaveAPort) {
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: 1.1.1.1:80\r\n"), "1.1.1.1");
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: [2001:db8::1]:80\r\n"), "2001:db8::1");
  EXPECT_EQ(client_behind("10.0.0.1:9", "X-Forwarded-For: 2001:db8::1\r\n"), "2001:db8::1");
  EXPECT_EQ(client_behind("[::1]:9", "X-Forwarded-For: [2001:db8::1]\r\n"), "2001:db8::1");
}

TEST(ClientOf, WhatIsNoAddressEndsTheSearch) {
  for (const char* hop : {"unknown", "evil", "", "unix:/tmp/x", "1.1.1", "localhost", "8000"})
    EXPECT_EQ(client_behind("10.0.0.1:9",
                            "X-Forwarded-For: 6.6.6.6, " + std::string(hop) + ", 10.0.0.2\r\n"),
              "10.0.0.2")
        << hop;
}

TEST(ClientOf, AThousandHopsAreNotLookedAt) {
  std::string hops = "X-Forwarded-For: 6.6.6.6";
  for (int i = 0; i < 1000; ++i) hops += ",10.0.0.2";
  EXPECT_EQ(client_behind("10.0.0.1:9", hops + "\r\n"), "10.0.0.2");
}

TEST(FilledIn, EveryPlaceholderIsWhatItSays) {
  const ParsedRequest request("GET /a/b?c=d", "Cookie: x=1; y=2\r\nX-A: v\r\n");
  EXPECT_EQ(filled("%{client_address} %{client_port} %{scheme} %{host} %{method}", request),
            "192.0.2.7 4711 http example.com GET");
  EXPECT_EQ(filled("%{target} %{path} %{query}", request), "/a/b?c=d /a/b c=d");
  EXPECT_EQ(filled("%{request_id} %{listener} %{route} %{upstream} %{endpoint}", request),
            "id-1 web r u ");
  EXPECT_EQ(filled("%{header:x-a} %{cookie:y} %{header:none}|%{cookie:none}", request), "v 2 |");
  EXPECT_EQ(filled("100%%", request), "100%");
}

TEST(FieldEdits, DropWhatTheyRemoveOrReplaceAndWriteTheRest) {
  const config::FieldEdits config{.set = {{"X-Set", "%{host}"}, {"X-None", " %{header:none}"}},
                                  .add = {{"X-Add", "a"}},
                                  .remove = {"X-Gone"}};
  const FieldEdits edits(config);
  EXPECT_TRUE(edits.drops("x-set"));
  EXPECT_TRUE(edits.drops("X-GONE"));
  EXPECT_FALSE(edits.drops("X-Add"));
  char room[200];
  http::HeadWriter head(room);
  const ParsedRequest request("GET /", "");
  edits.write(facts_of(request), head);
  EXPECT_TRUE(head.ok());
  EXPECT_EQ(head.text(), "X-Set: example.com\r\nX-Add: a\r\n");
}

}  // namespace
}  // namespace roundhouse::proxy
