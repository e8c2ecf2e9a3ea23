#include "net/tls_certificate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "net/tls_openssl.h"

namespace roundhouse {
using namespace openssl;

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return result;
}

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? ::timegm(&utc) : 0;
}

// With lengths, not up to a NUL: what stands behind one is part of the name.
void add_alternative(const GENERAL_NAME& name, std::vector<std::string>& names) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name.type == GEN_DNS) {
    const std::string_view dns = view(name.d.dNSName);
    if (!dns.empty() && !dns.contains('\0')) names.push_back(lower(dns));
  } else if (name.type == GEN_IPADD) {
    const std::string_view bytes = view(name.d.iPAddress);
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return;
    if (::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr)
      names.emplace_back(text.data());
  }
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* const alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i)
    add_alternative(*sk_GENERAL_NAME_value(alternatives, i), names);
  GENERAL_NAMES_free(alternatives);
  if (!names.empty()) return names;
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, OBJ_txt2nid("CN"), -1);
  if (at < 0) return names;
  const std::string_view subject_name =
      view(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (!subject_name.empty() && !subject_name.contains('\0')) names.push_back(lower(subject_name));
  return names;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts{.names = names_of(certificate),
                         .key_type = {},
                         .not_before = unix_time(X509_get0_notBefore(certificate)),
                         .not_after = unix_time(X509_get0_notAfter(certificate))};
  if (const char* const type = OBJ_nid2sn(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate))))
    facts.key_type = type == std::string_view("rsaEncryption")    ? "RSA"
                     : type == std::string_view("id-ecPublicKey") ? "EC"
                                                                  : type;
  return facts;
}

std::string unusable(const Error& error) { return "cannot be used: " + error.message; }

constexpr std::string_view kNoCertificate = "holds no certificate in PEM form, or a broken one";

}  // namespace

std::expected<CertificateFacts, std::string> facts_of_certificate(std::string_view pem) {
  if (const auto loaded = load(); !loaded) return std::unexpected(unusable(loaded.error()));
  const auto chain = certificates_of(pem);
  if (chain.empty()) return std::unexpected(std::string(kNoCertificate));
  return facts_of(chain.front().get());
}

std::expected<CertificateFacts, CertificateFault> examine_certificate(std::string_view cert_pem,
                                                                      std::string_view key_pem) {
  if (const auto loaded = load(); !loaded)
    return std::unexpected(CertificateFault{.of_key = false, .what = unusable(loaded.error())});
  const auto chain = certificates_of(cert_pem);
  if (chain.empty())
    return std::unexpected(CertificateFault{.of_key = false, .what = std::string(kNoCertificate)});
  bool encrypted = false;
  const openssl::Key key = openssl::key_of(key_pem, encrypted);
  if (key == nullptr)
    return std::unexpected(
        CertificateFault{.of_key = true,
                         .what = encrypted ? "is locked by a passphrase; expected a key without one"
                                           : "holds no private key in PEM form, or a broken one"});
  const bool belongs = X509_check_private_key(chain.front().get(), key.get()) == 1;
  ERR_clear_error();
  if (!belongs)
    return std::unexpected(
        CertificateFault{.of_key = true, .what = "is not the key of the certificate"});
  const openssl::Context context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1)
    return std::unexpected(
        CertificateFault{.of_key = false, .what = "cannot be used: " + openssl::take_error()});
  return facts_of(chain.front().get());
}

std::string fault_of_authorities(std::string_view pem) {
  if (const auto loaded = load(); !loaded) return unusable(loaded.error());
  return certificates_of(pem).empty() ? std::string(kNoCertificate) : "";
}

bool lacks_roots() {
  if (!load()) return false;
  const auto place = [](const char* variable, const char* otherwise) {
    const char* const said = std::getenv(variable);
    return std::filesystem::path(said == nullptr ? otherwise : said);
  };
  std::error_code none;  // what cannot be looked at is not there either
  const auto file = place(X509_get_default_cert_file_env(), X509_get_default_cert_file());
  const auto folder = place(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
  const bool has_file = std::filesystem::is_regular_file(file, none);
  return !has_file &&
         (!std::filesystem::is_directory(folder, none) || std::filesystem::is_empty(folder, none));
}

std::string fault_of_ciphers(const std::string& list) {
  if (const auto loaded = load(); !loaded) return unusable(loaded.error());
  const openssl::Context context(SSL_CTX_new(TLS_server_method()));
  const bool good = SSL_CTX_set_cipher_list(context.get(), list.c_str()) == 1;
  ERR_clear_error();
  return good ? "" : "names no cipher suite that OpenSSL knows; expected as in ECDHE+AESGCM";
}

}  // namespace roundhouse
