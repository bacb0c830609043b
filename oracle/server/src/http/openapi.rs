//! The routes and, from the same code, their OpenAPI document.

use std::sync::Arc;

use axum::{Json, Router, extract::DefaultBodyLimit, middleware::from_fn_with_state, routing::get};
use tower_http::trace::TraceLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{State, health, inference, operator, routes as v1};
use crate::{host::Refusal, metrics, protocol::SIGNED_REQUEST};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tributary host",
        description = "Licensed inference with attribution: every answer carries a signed receipt, and every receipt is settled.",
        license(name = "MIT OR Apache-2.0")
    ),
    // The only schema that stands in a query, where nothing registers it.
    components(schemas(operator::Written)),
    modifiers(&Schemes),
    tags(
        (name = "health"),
        (name = "host", description = "Who serves"),
        (name = "models", description = "What is served, its lineage and terms"),
        (name = "access", description = "Sign-in and keys"),
        (name = "inference", description = "Ask by a signed request"),
        (name = "inference protocol", description = "Open Inference Protocol v2"),
        (name = "receipts", description = "What was served, and whose data made it"),
        (name = "epochs", description = "Closed epochs, their batches, and proofs to claim by"),
        (name = "operator", description = "Records out, copies of them, figures for monitoring, decisions about what is submitted")
    )
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for name in ["operator token", "sign-in token", "bearer key"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
        let header = ApiKeyValue::with_description(
            SIGNED_REQUEST,
            "base64 of JSON {request, signature, salt}: the request as a session key signed it",
        );
        components.add_security_scheme("signed request", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

fn documented() -> (Router<State>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(v1::host))
        .routes(routes!(v1::models))
        .routes(routes!(v1::model))
        .routes(routes!(v1::nonce))
        .routes(routes!(v1::sign_in))
        .routes(routes!(v1::keys))
        .routes(routes!(v1::revoke))
        .routes(routes!(v1::usage))
        .routes(routes!(v1::infer))
        .routes(routes!(v1::receipt))
        .routes(routes!(v1::receipt_proof))
        .routes(routes!(v1::input))
        .routes(routes!(v1::attribution, v1::attribution_for))
        .routes(routes!(v1::epochs, v1::close_epoch))
        .routes(routes!(v1::attestations, v1::attest))
        .routes(routes!(v1::proof))
        .routes(routes!(v1::account))
        .routes(routes!(v1::batch))
        .routes(routes!(v1::license_text))
        .routes(routes!(v1::buyers_page))
        .routes(routes!(v1::sketches))
        .routes(routes!(operator::metrics))
        .routes(routes!(operator::export))
        .routes(routes!(operator::backup))
        .routes(routes!(operator::submissions))
        .routes(routes!(operator::retry))
        .routes(routes!(operator::give_up))
        .routes(routes!(operator::acknowledge))
        .routes(routes!(health::v2_live))
        .routes(routes!(health::v2_ready))
        .routes(routes!(inference::server))
        .routes(routes!(inference::model))
        .routes(routes!(inference::version))
        .routes(routes!(inference::model_ready))
        .routes(routes!(inference::version_ready))
        .routes(routes!(inference::infer))
        .routes(routes!(inference::infer_version))
        .routes(routes!(inference::index))
        .routes(routes!(inference::load))
        .routes(routes!(inference::unload))
        .split_for_parts()
}

/// The OpenAPI document of every host.
pub fn document() -> utoipa::openapi::OpenApi {
    documented().1
}

/// All routes.
pub(super) fn router(state: State) -> Router {
    let (routes, document) = documented();
    let published = document.clone();
    routes
        .route("/openapi.json", get(move || async move { Json(published) }))
        .merge(SwaggerUi::new("/docs").url("/docs/openapi.json", document))
        .fallback(|| async { Refusal::UnknownRoute })
        .method_not_allowed_fallback(|| async { Refusal::WrongMethod })
        .layer(DefaultBodyLimit::max(state.max_body))
        .layer(from_fn_with_state(Arc::clone(&state.traffic), metrics::count))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}
