// Answers the path that was asked; some paths do more:
//
//   /later   answers when the test says so
//   /body    answers the number of body bytes and the field Tag
//   /echo    echoes the body
//   /big     answers kBig bytes, in small pieces
//   /bulk    the same in large ones
//   /abort   begins an answer and aborts it
//
// Others are answered at once, the body not asked for.
#pragma once

#include <string>

#include "proxy/handler.h"

namespace roundhouse::proxy {

class FakeHandler final : public Handler {
 public:
  static constexpr std::size_t kBig = 3'000'000;

  std::unique_ptr<Exchange> on_request(Client& client) override {
    const std::string_view path = client.request().path;
    asked += std::string(path) + " ";
    if (on_asked) on_asked();
    if (path == "/later") return std::make_unique<Later>(*this, client);
    if (path == "/body") return std::make_unique<Body>(client);
    if (path == "/echo") return std::make_unique<Echo>(client);
    if (path == "/big") return std::make_unique<Big>(client, 5000);
    if (path == "/bulk") return std::make_unique<Big>(client, 100'000);
    if (path == "/abort") {
      client.answer().begin(200);
      client.answer().begin_body({http::Framing::kLength, 5});
      client.answer().write("ab");
      client.abort();
      return nullptr;
    }
    client.answer().respond(200, "", path);
    return nullptr;
  }

  // Answers the oldest /later.
  void answer_later() {
    Client* client = waiting.front();
    client->answer().respond(200, "", "later");
    client->resume();
  }

  std::string asked;
  std::vector<Client*> waiting;
  std::function<void()> on_asked;

 private:
  struct Later final : Exchange {
    Later(FakeHandler& handler, Client& client) : handler(handler), client(client) {
      handler.waiting.push_back(&client);
    }
    ~Later() override { std::erase(handler.waiting, &client); }
    FakeHandler& handler;
    Client& client;
  };
  struct Body final : Exchange {
    explicit Body(Client& client) : client(client) { client.accept_body(); }
    std::size_t on_body(std::string_view data) override {
      size += data.size();
      return data.size();
    }
    bool on_body_end(const http::FieldTable&) override {
      const auto tag = client.request().fields.find("Tag");
      return client.answer().respond(200, "", std::to_string(size) + std::string(tag.value_or("")));
    }
    Client& client;
    std::size_t size = 0;
  };
  struct Echo final : Exchange {
    explicit Echo(Client& client) : client(client) {
      client.accept_body();
      client.answer().begin(200);
      client.answer().begin_body(client.request().body);
    }
    std::size_t on_body(std::string_view data) override { return client.answer().write(data); }
    bool on_body_end(const http::FieldTable& trailers) override {
      return client.answer().end(&trailers);
    }
    Client& client;
  };
  struct Big final : Exchange {
    Big(Client& client, std::size_t piece) : client(client), block(piece, 'b') {
      client.answer().begin(200);
      client.answer().begin_body({http::Framing::kLength, kBig});
      on_room();
    }
    void on_room() override {
      for (std::size_t taken = block.size(); left > 0 && taken > 0; left -= taken)
        taken = client.answer().write(std::string_view(block).substr(0, left));
      if (left == 0) client.answer().end();
    }
    Client& client;
    const std::string block;
    std::size_t left = kBig;
  };
};

}  // namespace roundhouse::proxy
