//! Group `config.karmada.io`: how Karmada learns about kinds it does not know.

pub mod constants;
mod customization;
mod interpreter_context;
mod webhook_configuration;

pub use customization::{
    CustomizationRules, CustomizationTarget, LuaRule, ResourceInterpreterCustomization,
    ResourceInterpreterCustomizationSpec,
};
pub use interpreter_context::{
    DependentObjectReference, GroupVersionKind, PatchType, RequestStatus, ResourceInterpreterContext,
    ResourceInterpreterRequest, ResourceInterpreterResponse,
};
pub use webhook_configuration::{
    InterpreterOperation, ResourceInterpreterWebhook, ResourceInterpreterWebhookConfiguration,
    RuleWithOperations, ServiceReference, WebhookClientConfig,
};
