// The GraphQL operations of a client, from registration to deleting the picture. `codegen.ts` generates typed documents
// from them.

export const operations = [
  /* GraphQL */ `
    mutation Register($input: RegisterInput!) {
      register(input: $input) {
        token
        user {
          id
          username
          email
        }
      }
    }
  `,
  /* GraphQL */ `
    mutation UploadProfilePicture($file: Upload!) {
      uploadProfilePicture(file: $file) {
        success
        message
        media {
          id
          url
          thumbnailUrl
          width
          height
          mimeType
        }
      }
    }
  `,
  /* GraphQL */ `
    query ListUsers($first: Int!, $after: String) {
      users(first: $first, after: $after) {
        edges {
          node {
            id
            username
            profilePicture {
              id
              thumbnailUrl
              viewCount
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  /* GraphQL */ `
    mutation DeleteProfilePicture {
      deleteProfilePicture {
        success
        message
        user {
          id
          profilePicture {
            id
          }
        }
      }
    }
  `,
];
