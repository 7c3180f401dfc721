/* AWS credentials. */

#include "connectcreds_r.h"

static SEXP tag;

static void finalize(SEXP handle)
{
    cc_aws_credentials_free(R_ExternalPtrAddr(handle));
    R_ClearExternalPtr(handle);
}

SEXP aws_list(struct prepared_request *prepared)
{
    static const char *const names[] = {"access_key_id", "secret_access_key", "session_token",
                                        "expiration", ""};
    if (tag == NULL)
        tag = Rf_install("connectcreds_aws_credentials");
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag, R_NilValue));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);
    SEXP list = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));

    cc_aws_credentials *credentials;
    if (cc_token_aws_credentials(prepared->token, &credentials, &prepared->error) != CC_OK) {
        UNPROTECT(2);
        return R_NilValue;
    }
    R_SetExternalPtrAddr(handle, credentials);
    SET_VECTOR_ELT(list, 0, text(cc_aws_credentials_access_key_id(credentials)));
    SET_VECTOR_ELT(list, 1, text(cc_aws_credentials_secret_access_key(credentials)));
    if (cc_aws_credentials_session_token(credentials) != NULL)
        SET_VECTOR_ELT(list, 2, text(cc_aws_credentials_session_token(credentials)));
    if (cc_aws_credentials_expires_at(credentials) >= 0)
        SET_VECTOR_ELT(list, 3, Rf_ScalarReal((double)cc_aws_credentials_expires_at(credentials)));
    finalize(handle);
    UNPROTECT(2);
    return list;
}
