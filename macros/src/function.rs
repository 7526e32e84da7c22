//! The item under an attribute: a function whose body stays unparsed.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature, Visibility};

use crate::errors::Errors;

/// A function as the user wrote it.
///
/// The body is kept as tokens: nothing here looks into it, and rustc has the better eye for one
/// that is half written.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    body: TokenTree,
}

impl Function {
    /// Parses the item that `attribute` stands on. What is not a function comes back as it was,
    /// with an error that says so.
    pub(crate) fn parse(attribute: &str, item: &TokenStream) -> Result<Self, TokenStream> {
        let error = match syn::parse2(item.clone()) {
            Ok(function) => return Ok(function),
            Err(error) => error,
        };
        let misplaced = misplaced(
            attribute,
            item,
            ("fn", "functions"),
            "move it to a `fn`, outside of any `impl` or `trait`",
        );
        let error = misplaced.unwrap_or_else(|| error.into_compile_error());
        Err(quote!(#item #error))
    }

    /// The function without its attributes and its visibility.
    pub(crate) fn bare(&self) -> TokenStream {
        let Function { sig, body, .. } = self;
        quote!(#sig #body)
    }

    /// The name for generated code.
    pub(crate) fn ident(&self) -> Ident {
        generated(&self.sig.ident)
    }

    /// The name as texts show it.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig: Signature = input.parse()?;
        let body = input.parse()?;
        if is_block(&body) {
            return Ok(Function {
                attrs,
                vis,
                sig,
                body,
            });
        }
        let message = format!(
            "function `{}` has no body that could run in a process\n\
             help: write one, or move the attribute to the function that has it",
            sig.ident
        );
        Err(syn::Error::new_spanned(body, message))
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Function {
            attrs,
            vis,
            sig,
            body,
        } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// The user's identifier where readers and editors look for it, but a word of generated code:
/// lints have said what they think of it where the user wrote it.
///
/// Generated code is of this crate's edition, which may reserve a word that the user's leaves free.
pub(crate) fn generated(original: &Ident) -> Ident {
    /// The words that are reserved since an edition of Rust after the first.
    const LATELY_RESERVED: [&str; 5] = ["async", "await", "dyn", "gen", "try"];

    let span = Span::call_site().located_at(original.span());
    if LATELY_RESERVED.iter().any(|word| original == word) {
        return Ident::new_raw(&original.to_string(), span);
    }
    let mut ident = original.clone();
    ident.set_span(span);
    ident
}

/// Whether these are braces, perhaps inside the invisible delimiters of a macro's `$body`.
fn is_block(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    match group.delimiter() {
        Delimiter::Brace => true,
        Delimiter::None => group.stream().into_iter().all(|token| is_block(&token)),
        _ => false,
    }
}

/// Refuses an item of another kind than the one that `attribute` is for: a keyword, and what such items
/// are called.
pub(crate) fn misplaced(
    attribute: &str,
    item: &TokenStream,
    (expected, items): (&str, &str),
    help: &str,
) -> Option<TokenStream> {
    let keyword = keyword.parse2(item.clone()).ok()?;
    if keyword == expected {
        return None;
    }
    let mut errors = Errors::about(format!("`#[{attribute}]`"));
    errors.refuse(
        &keyword,
        format_args!("cannot stand on this `{keyword}`: it is for {items}"),
        help,
    );
    errors.into_compile_errors()
}

/// The keyword that says what kind of item this is.
fn keyword(input: ParseStream<'_>) -> syn::Result<Ident> {
    const KEYWORDS: [&str; 10] = [
        "enum", "fn", "impl", "mod", "static", "struct", "trait", "type", "union", "use",
    ];

    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let idents: Vec<Ident> = input
        .parse::<TokenStream>()?
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        })
        .collect();
    idents
        .iter()
        .find(|ident| KEYWORDS.iter().any(|keyword| ident == keyword))
        // `const`
        .or(idents.first())
        .cloned()
        .ok_or_else(|| input.error("expected an item"))
}
