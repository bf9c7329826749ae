/**
 * The errors of the client in the browser: the same families, by the same names, as those of
 * `pe_dvc/primitives/errors.py`, so that both clients can be compared.
 */

export class TrustError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** The bytes are not in the form that they should have. */
export class FormatError extends TrustError {}

/** What was read is not what was signed or promised. */
export class VerificationError extends TrustError {}

/** The bytes are not those that were promised. */
export class DigestMismatchError extends VerificationError {}

/** Not enough of a role's keys have signed. */
export class SignatureError extends VerificationError {}

/** It was not renewed in time: it may be an old state. */
export class ExpiredError extends VerificationError {}

/** An older state than one that was seen before. */
export class RollbackError extends VerificationError {}

/** Two documents are validly signed as one version: the proof of a fork. */
export class EquivocationError extends VerificationError {}

export class NotFoundError extends TrustError {}

/** There is such a role, and nothing of it was published yet. */
export class NotPublishedError extends NotFoundError {}

/** The server cannot be reached, or does not answer as it should; this says nothing of the data. */
export class StoreUnavailableError extends TrustError {}

export class StorePermissionError extends TrustError {}

/** This browser cannot verify: it lacks WebCrypto, or a kind of signature. */
export class UnsupportedError extends TrustError {}
