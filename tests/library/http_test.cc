// The HTTP server of the library's workers.
#include <csignal>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

class LibraryHttp : public testing::Test {
 protected:
  ClusterProgram program_{{"fork DO=http+127.0.0.1:0"}};
  Address address_ = program_.address(1);
  bool listens_ = program_.prints("listening 1");
  void TearDown() override { program_.disconnects_and_ends(); }
};

TEST_F(LibraryHttp, ARequestIsSeenWhole) {
  Client client(address_);
  EXPECT_EQ(client.request("GET", "/ask?a=b", "X-Word: heard\r\n").body, "GET a=b heard");
  EXPECT_EQ(client.request("DELETE", "/ask").body, "DELETE  none");
}

TEST_F(LibraryHttp, ABodyIsGivenWholeAndOneTooLongIsRefused) {
  Client client(address_);
  EXPECT_EQ(client.request("POST", "/length", "", std::string(300'000, 'p')).body, "300000");
  EXPECT_EQ(client.request("POST", "/length", "", "x").body, "1");
  client.send(
      "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "5");
  EXPECT_EQ(client.request("POST", "/length", "", std::string(1'100'000, 'p')).status, 413);
}

TEST_F(LibraryHttp, StatusAndFieldsAreSent) {
  const Response response = get(address_, "/teapot");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.headers.at("tea"), "green");
  EXPECT_EQ(response.headers.at("content-length"), "15");
  EXPECT_EQ(response.body, "short and stout");
}

TEST_F(LibraryHttp, ALargeAnswerAndAStreamedOneArriveWhole) {
  Client client(address_);
  EXPECT_EQ(client.get("/big").body.size(), 1U << 20U);
  const Response streamed = client.get("/stream");
  EXPECT_EQ(streamed.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(streamed.body.size(), 64U * 32768 + 3);
  EXPECT_TRUE(streamed.body.ends_with("send"));
  EXPECT_EQ(client.get("/").body, "worker 1");
}

TEST_F(LibraryHttp, HeadAnswersHaveNoBody) {
  Client client(address_);
  client.send("HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response head = client.receive(true);
  EXPECT_EQ(head.headers.at("content-length"), "1048576");
  EXPECT_EQ(client.get("/").body, "worker 1");
}

TEST_F(LibraryHttp, AnAnswerMayComeLater) {
  Client client(address_);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  program_.says("w1 keeps a request");
  Client other(address_);
  EXPECT_EQ(other.get("/").body, "worker 1");
  program_.tell_worker(1, "release");
  EXPECT_EQ(client.receive().body, "released");
  EXPECT_EQ(client.get("/").body, "worker 1");
}

TEST_F(LibraryHttp, AnAnswerToAClientThatHasGoneIsDropped) {
  Client client(address_);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  program_.says("w1 keeps a request");
  client.reset();
  EXPECT_EQ(get(address_).body, "worker 1");
  program_.tell_worker(1, "release");
  EXPECT_EQ(get(address_).body, "worker 1");
}

TEST_F(LibraryHttp, AForgottenAnswerAndOneThatCannotBeSentAre500) {
  Client client(address_);
  EXPECT_EQ(client.get("/drop").status, 500);
  EXPECT_EQ(client.get("/bad").status, 500);
  EXPECT_EQ(client.get("/").body, "worker 1");
}

TEST_F(LibraryHttp, WhatIsNoRequestIsRefusedByTheServerItself) {
  Client client(address_);
  client.send("GET / HTTP/9\r\n\r\n");
  EXPECT_GE(client.receive().status, 400);
  EXPECT_EQ(Client(address_).request("CONNECT", "a:1").status, 501);
}

TEST_F(LibraryHttp, PipelinedRequestsAreAnsweredInOrder) {
  Client client(address_);
  client.send("GET /teapot HTTP/1.1\r\nHost: a\r\n\r\nGET /ask HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive().status, 418);
  EXPECT_EQ(client.receive().body, "GET  none");
}

}  // namespace
}  // namespace roundhouse::test
