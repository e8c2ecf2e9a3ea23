#include "support/tls_origin.h"

#include <gtest/gtest.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <csignal>
#include <utility>

#include "support/origin.h"

namespace roundhouse::test {
namespace {

std::string subject_of(const X509* certificate) {
  char name[64] = "";
  if (certificate != nullptr)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), OBJ_txt2nid("CN"), name,
                              sizeof name);
  return name;
}

// What it is set to, if the client offers that; else the first, whatever it is.
int choose(SSL* /*connection*/, const unsigned char** chosen, unsigned char* size,
           const unsigned char* offered, unsigned int offered_size, void* protocol) {
  const auto& wanted = *static_cast<const std::string*>(protocol);
  const unsigned char* found = offered;
  for (const unsigned char* p = offered; p < offered + offered_size; p += 1 + *p)
    if (std::string_view(reinterpret_cast<const char*>(p + 1), *p) == wanted) found = p;
  *size = *found;
  *chosen = found + 1;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

bool TlsConversation::send(std::string_view bytes) {
  std::size_t sent = 0;
  return bytes.empty() || SSL_write_ex(connection_, bytes.data(), bytes.size(), &sent) == 1;
}

bool TlsConversation::fill() {
  char piece[65536];
  std::size_t got = 0;
  if (SSL_read_ex(connection_, piece, sizeof piece, &got) != 1) return false;
  received_.append(piece, got);
  return true;
}

std::string TlsConversation::receive_until(std::string_view text) {
  while (received_.find(text) == received_.npos && fill()) {
  }
  const auto found = received_.find(text);
  return receive(found == received_.npos ? received_.size() : found + text.size());
}

std::string TlsConversation::receive(std::size_t count) {
  while (received_.size() < count && fill()) {
  }
  std::string taken = received_.substr(0, count);
  received_.erase(0, taken.size());
  return taken;
}

std::string TlsConversation::receive_some() {
  if (received_.empty()) fill();
  return std::exchange(received_, "");
}

void TlsConversation::end_writing() { SSL_shutdown(connection_); }

TlsOrigin::TlsOrigin(Setting setting, Serve serve)
    : setting_(std::move(setting)),
      serve_(std::move(serve)),
      context_(SSL_CTX_new(TLS_server_method())) {
  ::signal(SIGPIPE, SIG_IGN);
  use_certificate(context_, setting_.pem);
  SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("origin"), 6);
  SSL_CTX_set_alpn_select_cb(context_, choose, &setting_.protocol);
  if (setting_.version != 0) {
    SSL_CTX_set_min_proto_version(context_, setting_.version);
    SSL_CTX_set_max_proto_version(context_, setting_.version);
  }
  if (setting_.clients != nullptr) {
    trust_certificate(context_, *setting_.clients);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  origin_ = std::make_unique<TcpOrigin>([this](Stream& stream) { shake_hands_and_serve(stream); });
}

TlsOrigin::~TlsOrigin() {
  origin_.reset();
  SSL_CTX_free(context_);
}

std::vector<TlsOrigin::Seen> TlsOrigin::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void TlsOrigin::shake_hands_and_serve(Stream& stream) {
  std::string opening = stream.receive(setting_.opening);
  SSL* const connection = SSL_new(context_);
  SSL_set_fd(connection, stream.fd());
  if (SSL_accept(connection) == 1) {
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(connection, &protocol, &size);
    const char* const name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back({.server_name = name == nullptr ? "" : name,
                       .client = subject_of(SSL_get0_peer_certificate(connection)),
                       .protocol = {reinterpret_cast<const char*>(protocol), size},
                       .resumed = SSL_session_reused(connection) == 1,
                       .opening = std::move(opening)});
    }
    TlsConversation with(connection);
    serve_(with);
    if (!setting_.cuts) SSL_shutdown(connection);
  } else {
    stream.end_writing();  // what it still sends would make the kernel take back our alert
    stream.receive_all();
  }
  SSL_free(connection);
}

void TlsOrigin::answer_all(TlsConversation& with, const std::string& body) {
  while (true) {
    const std::string head = with.receive_until("\r\n\r\n");
    if (!head.ends_with("\r\n\r\n")) return;
    const auto at = head.find("Content-Length: ");
    if (at != head.npos) with.receive(std::stoul(head.substr(at + 16)));
    if (!with.send(ok(body))) return;
  }
}

void TlsOrigin::echo(TlsConversation& with) {
  for (std::string bytes = with.receive_some(); !bytes.empty(); bytes = with.receive_some())
    if (!with.send(bytes)) return;
}

}  // namespace roundhouse::test
