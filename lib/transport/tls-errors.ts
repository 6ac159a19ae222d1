import { TransportError } from './errors.js'

/** Codes with which a certificate is found wanting, by OpenSSL's names. */
const aboutCertificates =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|ERROR_IN_CERT_)/

/** The TLS handshake's failure in words, at the dialler's end; null when the error is another one. */
export function dialFailure(error: Error): TransportError | null {
  const code = codeOf(error)
  if (aboutCertificates.test(code)) {
    return failed(
      `the peer's certificate is not accepted (${code}): is it signed by tls.ca?`,
      error,
    )
  }
  if (code === 'ECONNRESET' && /before secure TLS connection/.test(error.message)) {
    return failed('the peer ended the TLS handshake: does it listen without TLS?', error)
  }
  if (/ALERT/.test(code)) {
    return failed(
      `the peer does not accept this node's certificate or TLS version (${code})`,
      error,
    )
  }
  return isTls(code) ? failed(`the peer does not speak TLS 1.3 (${code})`, error) : null
}

/** Why a dialler is turned away before its Hello. `code` is that of its certificate, if it has shown one. */
export function acceptFailure(error: Error, code: string | null): TransportError {
  if (code !== null) {
    return failed(
      `the dialler's certificate is not accepted (${code}): is it signed by tls.ca?`,
      error,
    )
  }
  const found = codeOf(error)
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH/.test(found)) {
    return failed(`expected TLS, found plain text (${found}): give the dialler tls`, error)
  }
  if (/PEER_DID_NOT_RETURN_A_CERTIFICATE/.test(found)) {
    return failed('the dialler shows no certificate', error)
  }
  return failed(`the TLS handshake failed (${found === '' ? error.message : found})`, error)
}

function isTls(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function failed(message: string, cause: Error): TransportError {
  return new TransportError('RAFT_TLS_FAILED', message, { code: codeOf(cause) }, cause)
}
