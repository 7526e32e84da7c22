//! The item under the attribute: an `impl` whose methods have unparsed bodies.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Token, Type, Visibility, braced, token};

use crate::function::{self, Function};
use crate::remote::model::ungrouped;

/// An `impl` as the user wrote it.
pub(super) struct Block {
    pub(super) attrs: Vec<Attribute>,
    unsafety: Option<Token![unsafe]>,
    pub(super) impl_token: Token![impl],
    pub(super) generics: Generics,
    /// The trait, if it is of one.
    pub(super) trait_: Option<(Type, Token![for])>,
    pub(super) self_ty: Type,
    braces: token::Brace,
    inner_attrs: Vec<Attribute>,
    pub(super) items: Vec<Item>,
}

pub(super) enum Item {
    Method(Box<Method>),
    Other(Other),
}

/// A function in it.
pub(super) struct Method {
    pub(super) function: Function,
    /// What is said of it as a request, and taken off.
    pub(super) request: Vec<Attribute>,
}

/// An item that is no function.
pub(super) struct Other {
    /// What it is, as in "a constant".
    pub(super) kind: &'static str,
    /// The first word of it.
    pub(super) keyword: TokenTree,
    pub(super) tokens: TokenStream,
}

impl Block {
    /// Parses the item that the attribute stands on. What is no `impl` comes back as it was, with an
    /// error that says so.
    pub(super) fn parse(item: &TokenStream) -> Result<Self, TokenStream> {
        syn::parse2(item.clone()).map_err(|error| {
            let misplaced = function::misplaced(
                "service",
                item,
                ("impl", "an `impl`"),
                "write it above the `impl` that has the constructors and methods of the type",
            );
            let error = misplaced.unwrap_or_else(|| error.into_compile_error());
            quote!(#item #error)
        })
    }

    /// The name of the type, if it has one.
    pub(super) fn name(&self) -> Option<String> {
        match ungrouped(&self.self_ty) {
            Type::Path(ty) => {
                let last = ty.path.segments.last()?;
                let name = last.ident.unraw().to_string();
                (name != "Self").then_some(name)
            }
            _ => None,
        }
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.items.iter().filter_map(|item| match item {
            Item::Method(method) => Some(&**method),
            Item::Other(_) => None,
        })
    }

    pub(super) fn others(&self) -> impl Iterator<Item = &Other> {
        self.items.iter().filter_map(|item| match item {
            Item::Method(_) => None,
            Item::Other(other) => Some(other),
        })
    }
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let unsafety = input.parse()?;
        let impl_token = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let first = input.parse()?;
        let for_token: Option<Token![for]> = input.parse()?;
        let (trait_, self_ty) = match for_token {
            Some(for_token) => (Some((first, for_token)), input.parse()?),
            None => (None, first),
        };
        generics.where_clause = input.parse()?;
        let content;
        let braces = braced!(content in input);
        let inner_attrs = content.call(Attribute::parse_inner)?;
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(content.parse()?);
        }
        Ok(Block {
            attrs,
            unsafety,
            impl_token,
            generics,
            trait_,
            self_ty,
            braces,
            inner_attrs,
            items,
        })
    }
}

impl ToTokens for Block {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Block {
            attrs,
            unsafety,
            impl_token,
            generics,
            trait_,
            self_ty,
            braces,
            inner_attrs,
            items,
        } = self;
        let clause = &generics.where_clause;
        let trait_ = trait_
            .as_ref()
            .map(|(ty, for_token)| quote!(#ty #for_token));
        tokens.extend(quote!(#(#attrs)* #unsafety #impl_token #generics #trait_ #self_ty #clause));
        braces.surround(tokens, |tokens| {
            tokens.extend(quote!(#(#inner_attrs)* #(#items)*));
        });
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        let is_constant = ahead.peek(Token![const])
            && (ahead.peek2(Token![_]) || ahead.peek2(syn::Ident) && ahead.peek3(Token![:]));
        let kind = if is_constant {
            "a constant"
        } else if ahead.peek(Token![type]) {
            "a type"
        } else if ahead.peek(syn::Ident) && ahead.peek2(Token![!])
            || ahead.peek2(Token![::]) && !ahead.peek(Token![fn])
        {
            "a macro"
        } else {
            return input.parse().map(|method| Item::Method(Box::new(method)));
        };
        let keyword = ahead.parse()?;
        let mut tokens = TokenStream::new();
        loop {
            let token: TokenTree = input.parse()?;
            let is_end = match &token {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(_) => kind == "a macro" && is_in_braces(&token),
                _ => false,
            };
            tokens.extend([token]);
            if is_end || input.is_empty() {
                return Ok(Item::Other(Other {
                    kind,
                    keyword,
                    tokens,
                }));
            }
        }
    }
}

impl Parse for Method {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut function: Function = input.parse()?;
        let (request, attrs) = function
            .attrs
            .into_iter()
            .partition(|attr| attr.path().is_ident("request"));
        function.attrs = attrs;
        Ok(Method { function, request })
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Item::Method(method) => method.function.to_tokens(tokens),
            Item::Other(other) => other.tokens.to_tokens(tokens),
        }
    }
}

fn is_in_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace)
}
