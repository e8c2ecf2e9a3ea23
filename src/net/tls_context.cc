#include "net/tls_context.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "net/tls_certificate.h"
#include "net/tls_names.h"
#include "net/tls_openssl.h"

namespace roundhouse {

using namespace openssl;

namespace {

// How long a session can be resumed; the ticket keys may be gone before.
constexpr long kSessionSeconds = 12 * 3600;

// Of a connection of TLS 1.3, which is as many as may follow it. A ticket costs a tenth of a full
// handshake.
constexpr std::size_t kTickets = 1;

// For the exchange of keys. Without a list OpenSSL takes finite fields too, of which the largest
// cost a server a hundred times as much as the client that asks for them.
constexpr char kGroups[] = "X25519:P-256:P-384";

// Of TLS 1.3: all that OpenSSL takes, the cheapest first.
constexpr char kSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// What hangs on the context of the default certificate, and goes with the last connection that has
// it: handshakes look here.
struct Shared {
  TlsTicketKeys tickets;
  TlsNames<SSL_CTX*> by_name;
  std::vector<openssl::Context> contexts;  // the others
  std::vector<unsigned char> alpn;         // as in the extension
  ~Shared() { OPENSSL_cleanse(&tickets, sizeof tickets); }
};

int owner_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Shared*>(pointer);
      });
  return kIndex;
}

// Of every context; a connection that was given another one holds on to its first, and so to this.
int shared_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

Shared* shared_of(SSL_CTX* context) {
  return static_cast<Shared*>(SSL_CTX_get_ex_data(context, shared_index()));
}

int choose_certificate(SSL* connection, int* /*alert*/, void* argument) noexcept {
  const char* const name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* const* const found = static_cast<Shared*>(argument)->by_name.find(name);
  if (found != nullptr) SSL_set_SSL_CTX(connection, *found);
  return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(SSL* /*connection*/, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size,
                    void* argument) noexcept {
  const auto& ours = static_cast<Shared*>(argument)->alpn;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(
      &found, size, ours.data(), static_cast<unsigned int>(ours.size()), offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool use_key(const TlsTicketKey& key, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
             bool seals) {
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<std::uint8_t*>(key.mac.data()), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return false;
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                           seals ? 1 : 0) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) has it: 0 no such key, 1 good, 2 good, and another
// ticket is due. Of TLS 1.3 one always is: clients use each once (RFC 8446, C.4).
int use_ticket_key(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int seals) noexcept {
  const TlsTicketKeys& keys = shared_of(SSL_get_SSL_CTX(connection))->tickets;
  if (seals != 0) {
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
    std::ranges::copy(keys.current.name, name);
    return use_key(keys.current, iv, cipher, mac, true) ? 1 : -1;
  }
  for (const TlsTicketKey* key : {&keys.current, &keys.next, &keys.previous}) {
    if (!std::equal(key->name.begin(), key->name.end(), name)) continue;
    if (!use_key(*key, iv, cipher, mac, false)) return -1;
    return key == &keys.previous || SSL_version(connection) == TLS1_3_VERSION ? 2 : 1;
  }
  return 0;
}

std::unexpected<Error> fail_tls(const std::string& what) {
  return fail(what + ": " + openssl::take_error(), ExitCode::kConfiguration);
}

Result<void> add_client_authorities(SSL_CTX* context, const TlsSetting& setting) {
  if (setting.clients == TlsSetting::Clients::kNotAsked) return {};
  const auto authorities = openssl::certificates_of(setting.client_ca);
  if (authorities.empty())
    return fail("no authority vouches for clients", ExitCode::kConfiguration);
  for (const openssl::Certificate& authority : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  const bool must = setting.clients == TlsSetting::Clients::kMustShow;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

// Another policy for clients is another place for sessions: what was resumed there was not asked
// the same here.
void set_session_place(SSL_CTX* context, const TlsSetting& setting) {
  const char kind = static_cast<char>('0' + static_cast<int>(setting.clients));
  std::string text = std::string(setting.name) + '\0' + kind;
  text += setting.client_ca;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  static_assert(digest.size() <= SSL_MAX_SID_CTX_LENGTH);
  SSL_CTX_set_session_id_context(context, digest.data(), digest.size());
}

Result<openssl::Context> make_context(const TlsSetting& setting) {
  openssl::Context made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = made.get();
  if (context == nullptr) return fail_tls("TLS");
  set_modes(context, setting.tls13_only);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  SSL_CTX_set_num_tickets(context, kTickets);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (SSL_CTX_set1_groups_list(context, kGroups) != 1) return fail_tls("the groups of TLS");
  if (SSL_CTX_set_ciphersuites(context, kSuites) != 1) return fail_tls("the ciphers of TLS 1.3");
  if (!setting.ciphers.empty() && SSL_CTX_set_cipher_list(context, setting.ciphers.c_str()) != 1)
    return fail_tls("the ciphers of TLS 1.2");
  TRY_VOID(add_client_authorities(context, setting));
  set_session_place(context, setting);
  return made;
}

// Those that clients may be shown for one name: the first of each type of key.
using Choice = std::vector<std::size_t>;

void add_to(Choice& choice, std::size_t index, const std::vector<CertificateFacts>& facts) {
  const bool has_type = std::ranges::any_of(
      choice, [&](std::size_t there) { return facts[there].key_type == facts[index].key_type; });
  if (!has_type) choice.push_back(index);
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::create(const TlsSetting& setting) {
  TRY_VOID(load());
  std::vector<CertificateFacts> facts;
  TlsNames<Choice> by_name;
  for (const TlsSetting::Certificate& files : setting.certificates) {
    auto one = facts_of_certificate(files.cert);
    if (!one) return fail("a certificate " + one.error(), ExitCode::kConfiguration);
    facts.push_back(*std::move(one));
    for (const std::string& name : facts.back().names)
      add_to(by_name[name], facts.size() - 1, facts);
  }
  if (facts.empty()) return fail("there is no certificate", ExitCode::kConfiguration);
  // Beside the first stand those that are for its name as well, with keys of another type.
  Choice first = {0};
  if (!facts.front().names.empty())
    for (const std::size_t other : by_name[facts.front().names.front()])
      add_to(first, other, facts);
  std::map<Choice, SSL_CTX*> made;
  auto shared = std::make_unique<Shared>();
  shared->tickets = setting.tickets;
  const auto context_for = [&](const Choice& choice) -> Result<openssl::Context> {
    openssl::Context context = TRY(make_context(setting));
    for (const std::size_t index : choice)
      TRY_VOID(use_certificate(context.get(), setting.certificates[index].cert,
                               setting.certificates[index].key));
    made[choice] = context.get();
    SSL_CTX_set_ex_data(context.get(), shared_index(), shared.get());
    if (!setting.alpn.empty())
      SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, shared.get());
    return context;
  };
  openssl::Context first_context = TRY(context_for(first));
  for (auto& [name, choice] : by_name) {
    if (!made.contains(choice)) shared->contexts.push_back(TRY(context_for(choice)));
    shared->by_name[name] = made[choice];
  }
  for (const std::string& protocol : setting.alpn) {
    shared->alpn.push_back(static_cast<unsigned char>(protocol.size()));
    shared->alpn.insert(shared->alpn.end(), protocol.begin(), protocol.end());
  }
  SSL_CTX* const context = first_context.get();
  SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context, shared.get());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
  SSL_CTX_set_ex_data(context, owner_index(), shared.release());
  return std::unique_ptr<TlsContext>(new TlsContext(first_context.release()));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace roundhouse
