// Programs that people use, on both sides of the proxy: Node and nginx behind it, curl and Python
// before it.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "support/instance.h"
#include "support/process.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

std::string url(const Instance& instance, const std::string& target) {
  return "http://" + instance.web().to_string() + target;
}

// What curl prints. `arguments` come before the URL.
std::string curl(const Instance& instance, const std::string& target,
                 std::vector<std::string> arguments = {}) {
  std::vector<std::string> command{"curl", "-sS", "--max-time", "30"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.push_back(url(instance, target));
  const Finished finished = run(command);
  EXPECT_EQ(finished.ended.code, 0) << finished.output;
  return finished.output;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

// Behind it: Node's http server.
class NodeOrigin : public testing::Test {
 protected:
  NodeOrigin() : node_({"node", REAL_PEERS "/origin.js"}) {
    EXPECT_TRUE(node_.prints(".\n")) << node_.output();
    const std::string printed = node_.output();
    const std::string port = printed.substr(5, printed.find('.') - 5);
    instance_ =
        std::make_unique<Instance>(kOneProxy, upstream_at({*Address::parse("127.0.0.1:" + port)}));
  }
  const Instance& instance() const { return *instance_; }

 private:
  Process node_;
  std::unique_ptr<Instance> instance_;
};

TEST_F(NodeOrigin, ServesCurl) {
  EXPECT_EQ(curl(instance(), "/hello"), "hello from node");
  const std::string twice =
      curl(instance(), "/hello", {"-w", "%{num_connects};", url(instance(), "/hello")});
  EXPECT_EQ(twice, "hello from node1;hello from node0;") << "the connection is kept";
  EXPECT_TRUE(holds(curl(instance(), "/chunked", {"-i", "--raw"}), "\r\n0\r\nX-Sum: 1000\r\n"))
      << "trailers come through";
  EXPECT_TRUE(curl(instance(), "/hello", {"-I"}).starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(holds(curl(instance(), "/hello", {"-i", "--http1.0"}), "hello from node"));
}

TEST_F(NodeOrigin, TakesUploadsOfCurl) {
  const TemporaryDirectory folder;
  const std::string body(3'000'000, 'u');
  const std::string file = folder.write("upload", body);
  const std::string known = curl(instance(), "/echo", {"-i", "-T", file});
  EXPECT_TRUE(holds(known, "X-Framing: 3000000\r\n")) << known.substr(0, 500);
  EXPECT_TRUE(known.ends_with("\r\n\r\n" + body));
  const std::string chunked =
      curl(instance(), "/echo", {"-i", "-T", file, "-H", "Transfer-Encoding: chunked"});
  EXPECT_TRUE(holds(chunked, "X-Framing: chunked\r\n")) << chunked.substr(0, 500);
  EXPECT_TRUE(chunked.ends_with("\r\n\r\n" + body));
}

TEST_F(NodeOrigin, CurlIsToldToContinue) {
  const std::string said =
      curl(instance(), "/echo", {"-i", "-d", "asked", "-H", "Expect: 100-continue"});
  EXPECT_TRUE(said.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << said;
  EXPECT_TRUE(said.ends_with("\r\n\r\nasked")) << said;
}

TEST_F(NodeOrigin, ServesPythonOnOneConnection) {
  const Finished finished =
      run({"/usr/bin/python3", REAL_PEERS "/client.py", std::to_string(instance().web().port())});
  EXPECT_EQ(finished.ended.code, 0) << finished.output;
}

// The second event is sent only when the first has been seen: nothing is held back.
TEST_F(NodeOrigin, EventsComeAsTheyAreSent) {
  Process listener({"curl", "-sSN", "--max-time", "30", url(instance(), "/events")});
  ASSERT_TRUE(listener.prints("data: first\n\n")) << listener.output();
  EXPECT_EQ(curl(instance(), "/next"), "sent");
  EXPECT_TRUE(listener.prints("data: second\n\n")) << listener.output();
  EXPECT_EQ(listener.wait().code, 0);
}

// A frame of a client (RFC 6455 5.2), masked with zeros, which leave the text as it is.
std::string frame(char opcode, const std::string& text) {
  return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | text.size())} +
         std::string(4, '\0') + text;
}

std::string read_exactly(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = ::recv(fd, bytes.data(), size, MSG_WAITALL);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

TEST_F(NodeOrigin, SpeaksWebSocket) {
  Client client(instance().web());
  client.send(
      "GET /chat HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  const Response response = client.receive(true);
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.headers.at("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (const std::string text : {"one", "two", "three"}) {
    client.send(frame(1, text));
    EXPECT_EQ(read_exactly(client.fd(), 2 + text.size()).substr(2), text);
  }
  client.send(frame(8, ""));
  EXPECT_EQ(read_exactly(client.fd(), 2).substr(0, 1), "\x88");
  EXPECT_TRUE(client.at_end());
}

// Behind it: nginx, on a unix socket, with one file.
class NginxOrigin : public testing::Test {
 protected:
  NginxOrigin() {
    folder_.write("site/file.txt", "0123456789");
    nginx_ = std::make_unique<Process>(
        std::vector<std::string>{"nginx", "-e", folder_.path() + "/log", "-c",
                                 folder_.write("nginx.conf", configuration())});
    EXPECT_TRUE(eventually([this] { return get(socket(), "/file.txt").status == 200; }))
        << nginx_->output();
    instance_ = std::make_unique<Instance>(kOneProxy, upstream_at({socket()}));
  }

  Address socket() const { return *Address::parse("unix:" + folder_.path() + "/nginx.sock"); }
  const Instance& instance() const { return *instance_; }

 private:
  std::string configuration() const {
    std::string text = "daemon off; worker_processes 1; pid " + folder_.path() +
                       "/pid;\nevents {}\nhttp { access_log off;\n";
    for (const char* name : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      text.append(name).append("_temp_path ").append(folder_.path() + "/").append(name) += ";\n";
    return text + "keepalive_requests 3;\nserver { listen unix:" + folder_.path() +
           "/nginx.sock; root " + folder_.path() + "/site; } }\n";
  }

  TemporaryDirectory folder_;
  std::unique_ptr<Process> nginx_;
  std::unique_ptr<Instance> instance_;
};

TEST_F(NginxOrigin, ServesAFileWholeAndInParts) {
  EXPECT_EQ(curl(instance(), "/file.txt"), "0123456789");
  const std::string part = curl(instance(), "/file.txt", {"-i", "-r", "2-4"});
  EXPECT_TRUE(part.starts_with("HTTP/1.1 206 Partial Content\r\n")) << part;
  EXPECT_TRUE(part.ends_with("\r\n\r\n234")) << part;
  const std::string parts = curl(instance(), "/file.txt", {"-r", "0-1,8-9"});
  EXPECT_TRUE(holds(parts, "Content-Range: bytes 8-9/10\r\n\r\n89\r\n")) << parts;
  const std::string beyond = curl(instance(), "/file.txt", {"-i", "-r", "20-"});
  EXPECT_TRUE(beyond.starts_with("HTTP/1.1 416 ")) << beyond;
}

TEST_F(NginxOrigin, AnswersWithoutBodiesLeaveTheConnectionGood) {
  Client client(instance().web());
  const std::string tag = client.get("/file.txt").headers["etag"];
  EXPECT_FALSE(tag.empty());
  EXPECT_EQ(client.request("GET", "/file.txt", "If-None-Match: " + tag + "\r\n").status, 304);
  const Response head = client.request("HEAD", "/file.txt");
  EXPECT_EQ(head.headers.at("content-length"), "10");
  EXPECT_EQ(client.request("POST", "/file.txt", "", "not taken").status, 405);
  EXPECT_EQ(client.get("/none").status, 404);
  EXPECT_EQ(client.get("/file.txt").body, "0123456789");
}

TEST_F(NginxOrigin, AConnectionThatItClosedIsReplaced) {
  EXPECT_EQ(curl(instance(), "/file.txt", {"-H", "Connection: close"}), "0123456789");
  for (int i = 0; i < 30; ++i) EXPECT_EQ(get(instance().web(), "/file.txt").body, "0123456789");
}

}  // namespace
}  // namespace roundhouse::test
